# SPDX-License-Identifier: Apache-2.0
# gunicorn binds $PORT and starts $WEB_CONCURRENCY workers by itself.
worker_class = "gthread"
threads = 8
graceful_timeout = 25  # shorter than the platform's window of 30 s
accesslog = "-"
access_log_format = 'method=%(m)s path=%(U)s status=%(s)s ms=%(M)s'
control_socket_disable = True
