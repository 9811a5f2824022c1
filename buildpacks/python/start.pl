#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
#
# start.pl APP: the start command of an app that has no Procfile, as YAML. It is found by reading the source, since
# this runs before anything is installed: the framework that a file makes its app with, and a server among the
# declared packages. Servers that are made for production go before those of the frameworks' developers.
#
#     --- {}                            nothing was found
#     ---
#     # found by app.py, Flask          why, in the words that a person gets
#     default_process_types:
#       web: gunicorn app:app
#
# Perl, since the base stack has no Python.
use strict;
use warnings;

chdir $ARGV[0] or die "$ARGV[0]: $!\n";

my $MAX = 1 << 20;
my $NEVER = qr/^(?:\.|node_modules$|venv$|env$|tests?$|docs?$|examples?$|migrations$|static$|templates$|scripts$|site-packages$|__pycache__$|build$|dist$)/;
# The usual names of the file that has the app, the likeliest first.
my @NAMES = qw(app main server wsgi asgi application run api index web serve start hello webapp backend site bot);

# --- reading

sub text {
	my ($path) = @_;
	return '' unless -f $path && open my $file, '<:raw', $path;
	read $file, (my $text), $MAX;
	# PowerShell writes texts of two bytes a letter.
	$text =~ tr{\0}{}d if $text =~ s{^\xff\xfe}{};
	$text =~ s/\r\n/\n/g;
	return $text =~ s/^\xef\xbb\xbf//r;
}

# The code alone: no comments, no texts of several lines, whose examples are no app.
my %code;

sub code {
	my ($path) = @_;
	return $code{$path} //= text($path) =~ s/^[ \t]*(?:[rR]?)("""|''').*?\1/""/gmsr =~ s/^\s*#.*$//gmr;
}

sub entries {
	my ($dir) = @_;
	opendir my $handle, $dir or return;
	return map { $dir eq '.' ? $_ : "$dir/$_" } sort grep { $_ !~ $NEVER } readdir $handle;
}

sub rank {
	my ($path) = @_;
	my ($name) = $path =~ m{([^/]+)\.py$};
	my ($place) = grep { $NAMES[$_] eq lc $name } 0 .. $#NAMES;
	return $place // ($name eq '__init__' ? 50 : $name =~ /^(?:test_|conftest$|setup$|manage$|gunicorn)|_test$/ ? 1000 : 100);
}

# Files of Python, the likeliest first: those at the top before those in folders.
my @files;
my $folders = 0;

sub collect {
	my ($dir, $depth) = @_;
	my @all = entries($dir);
	push @files, sort { rank($a) <=> rank($b) || $a cmp $b } grep { /\.py$/ && -f && rank($_) < 1000 } @all;
	return unless $depth;
	for my $sub (sort { ($a !~ m{(?:^|/)(?:app|src|api|server|backend|web)$}) <=> ($b !~ m{(?:^|/)(?:app|src|api|server|backend|web)$}) || $a cmp $b } grep { -d && !-l } @all) {
		last if ++$folders > 200;
		collect($sub, $depth - 1);
	}
}
collect('.', 2);

# --- what is declared

my $declared = '';
for my $file (grep { -f } glob('requirements*.txt requirements/*.txt requirements*.in'), qw(uv.lock poetry.lock pdm.lock Pipfile.lock Pipfile pyproject.toml setup.py setup.cfg)) {
	next if $file =~ /(?:dev|test|local|lint|docs)\w*\.(?:txt|in)$/;
	$declared .= "\n" . text($file) =~ s/(^|\s)#.*$/$1/gmr;
}

sub has {
	my ($name) = @_;
	my $pattern = join '[-_.]', split /-/, $name;
	return $declared =~ /(?:^|["'\s=])$pattern(?![\w-])/im;
}

my $uvicorn = has('uvicorn') || $declared =~ /\b(?:fastapi|litestar)\s*\[[^\]]*(?:standard|all|full)/i || has('fastapi-cli') || has('python-fasthtml');

# --- naming an app

# Where a file is imported from: (folder to be in, module).
sub module {
	my ($path) = @_;
	my ($dir) = $path =~ m{^(.*)/} or return ('', $path =~ s/\.py$//r);
	my $name = $path =~ s/\.py$//r =~ s{/__init__$}{}r;
	my ($top, $rest) = $name =~ m{^([^/]+)/(.*)$};
	# Files beside it are imported by their names alone.
	if (!-f "$dir/__init__.py" && $path !~ m{/__init__\.py$}) {
		for my $beside (code($path) =~ /^(?:from|import)\s+(\w+)/gm) {
			return ($dir, $name =~ s{.*/}{}r) if !-e "$beside.py" && !-e $beside && (-e "$dir/$beside.py" || -e "$dir/$beside/__init__.py");
		}
	}
	return ($top, $rest =~ s{/}{.}gr) if defined $rest && $top eq 'src' && !-f 'src/__init__.py' && code($path) !~ /^(?:from|import)\s+src\b/m;
	return ('', $name =~ s{/}{.}gr);
}

sub quoted { my ($word) = @_; return $word =~ /[^\w.:\/=-]/ ? "'$word'" : $word }

sub finish {
	my ($command, $why) = @_;
	print "---\n# found by $why\ndefault_process_types:\n  web: $command\n";
	exit 0;
}

my $development = "a server for development: add gunicorn to the packages and it is used";

sub wsgi_command {
	my ($path, $object, $why) = @_;
	my ($dir, $module) = module($path);
	my $target = quoted("$module:$object");
	my $socketio = grep { code($_) =~ /^(?:from|import)\s+flask_socketio\b/m } @files;
	if (has('gunicorn')) {
		my $worker = !$socketio ? '' : has('eventlet') ? ' -k eventlet -w 1' : has('gevent') ? ' -k gevent -w 1' : ' -w 1 --threads 100';
		finish('gunicorn' . ($dir ? " --chdir $dir" : '') . "$worker $target", $why);
	}
	my $inside = $dir ? "cd $dir && " : '';
	finish("${inside}waitress-serve --port=\$PORT " . ($object =~ /^(.*)\(\)$/ ? "--call $module:$1" : $target), $why) if has('waitress');
	finish("${inside}uwsgi --http :\$PORT --master --module " . quoted("$module:$object"), $why) if has('uwsgi');
	finish("${inside}granian --interface wsgi --host 0.0.0.0 --port \$PORT " . ($object =~ /^(.*)\(\)$/ ? "--factory $module:$1" : $target), $why) if has('granian');
	return $inside;
}

sub flask_command {
	my ($path, $object, $why) = @_;
	my $inside = wsgi_command(@_);
	my ($dir, $module) = module($path);
	finish("${inside}flask --app " . quoted($object =~ /^(?:app|application|create_app\(\)|make_app\(\))$/ ? $module : "$module:$object") . ' run --host 0.0.0.0 --port $PORT',
		"$why; this is $development");
}

sub asgi_command {
	my ($path, $object, $why, $own) = @_;
	my ($dir, $module) = module($path);
	my $target = quoted("$module:" . $object =~ s/\(\)$//r);
	my $factory = $object =~ /\(\)$/ ? ' --factory' : '';
	my $inside = $dir ? "cd $dir && " : '';
	finish("uvicorn" . ($dir ? " --app-dir $dir" : '') . "$factory $target --host 0.0.0.0 --port \$PORT", $why) if $uvicorn;
	finish("${inside}hypercorn --bind 0.0.0.0:\$PORT " . quoted("$module:$object"), $why) if has('hypercorn') || $own eq 'Quart';
	finish("${inside}granian --interface asgi$factory --host 0.0.0.0 --port \$PORT $target", $why) if has('granian');
	finish("${inside}daphne -b 0.0.0.0 -p \$PORT $target", $why) if has('daphne') && !$factory;
	finish("${inside}sanic $target --host=0.0.0.0 --port=\$PORT$factory", $why) if $own eq 'Sanic';
}

# --- Django

sub django_settings {
	my ($manage) = @_;
	return text($manage) =~ /DJANGO_SETTINGS_MODULE["']\s*,\s*["']([\w.]+)/ ? $1 : '';
}

sub django_command {
	my ($manage, $top, @more) = @_;
	my $dir = $manage =~ m{^(.*)/} ? $1 : '';
	my $below = $dir ? "$dir/" : '';
	my ($package) = django_settings($manage) =~ /^([\w]+)/;
	my $find = sub {
		my ($kind) = @_;
		my @found = grep { /^\Q$below\E.*\b$kind\.py$/ && code($_) =~ /get_${kind}_application/ } @files;
		my ($best) = ((grep { $package && m{^\Q$below$package\E/} } @found), @found);
		return $best ? substr($best, length $below) =~ s/\.py$//r =~ s{/}{.}gr : undef;
	};
	my ($wsgi, $asgi) = ($find->('wsgi'), $find->('asgi'));
	my $inside = $dir ? "cd $dir && " : '';
	my $asynchronous = $asgi && grep { code($_) =~ /^ASGI_APPLICATION\s*=/m } @files;
	my $object = sub { my ($module) = @_; my $path = $below . $module =~ s{\.}{/}gr . '.py'; return code($path) =~ /^(application|app)\s*=/m ? $1 : 'application' };
	my @asgi = !$asgi ? () : (
		has('daphne') ? "${inside}daphne -b 0.0.0.0 -p \$PORT $asgi:" . $object->($asgi) : (),
		$uvicorn ? 'uvicorn' . ($dir ? " --app-dir $dir" : '') . " $asgi:" . $object->($asgi) . ' --host 0.0.0.0 --port $PORT' : (),
		has('hypercorn') ? "${inside}hypercorn --bind 0.0.0.0:\$PORT $asgi:" . $object->($asgi) : ());
	finish($asgi[0], "$manage and ASGI_APPLICATION, Django") if $asynchronous && @asgi;
	if ($wsgi) {
		wsgi_command($below . $wsgi =~ s{\.}{/}gr . '.py', $object->($wsgi), "$manage, Django") if !$dir;
		finish("gunicorn --chdir $dir $wsgi:" . $object->($wsgi), "$manage, Django") if has('gunicorn');
		finish("${inside}waitress-serve --port=\$PORT $wsgi:" . $object->($wsgi), "$manage, Django") if has('waitress');
	}
	finish($asgi[0], "$manage, Django") if @asgi;
	finish("${inside}python manage.py runserver 0.0.0.0:\$PORT --noreload", "$manage, Django; this is $development");
}

my ($manage) = grep { code($_) =~ /DJANGO_SETTINGS_MODULE/ } grep { -f } 'manage.py', (map { ("$_/manage.py", map { "$_/manage.py" } grep { -d } entries($_)) } grep { -d && !-l } entries('.'));
django_command($manage) if $manage;

# --- pages made by a script

sub script_command {
	my ($path) = @_;
	my $code = code($path);
	my $file = quoted($path);
	finish("streamlit run $file --server.port \$PORT --server.address 0.0.0.0 --server.headless true", "$path, Streamlit")
		if $code =~ /^(?:import\s+streamlit|from\s+streamlit\b)/m && $code =~ /\bst\.|streamlit\.\w+\(|set_page_config/;
	finish("chainlit run $file --headless --host 0.0.0.0 --port \$PORT", "$path, Chainlit") if $code =~ /^import\s+chainlit\b/m && $code =~ /^\@cl\.|^\@chainlit\./m;
	finish("panel serve $file --address 0.0.0.0 --port \$PORT --allow-websocket-origin='*'", "$path, Panel") if $code =~ /^import\s+panel\b/m && $code =~ /\.servable\(/;
	finish("bokeh serve $file --address 0.0.0.0 --port \$PORT --allow-websocket-origin='*'", "$path, Bokeh") if $code =~ /^from\s+bokeh\b/m && $code =~ /\bcurdoc\(/;
	finish("marimo run $file --host 0.0.0.0 --port \$PORT --headless", "$path, marimo") if $code =~ /^app\s*=\s*marimo\.App\(/m;
	finish("env GRADIO_SERVER_NAME=0.0.0.0 GRADIO_SERVER_PORT=\$PORT python $file", "$path, Gradio") if $code =~ /^import\s+gradio\b/m && $code =~ /\.launch\(/;
}

# --- frameworks, by the object that a file makes

my $flask_like = 'Flask|APIFlask|OpenAPI|Eve|FlaskAPI';
my $asgi_like = 'FastAPI|Starlette|Litestar|Quart|Sanic|BlackSheep|Esmerald|Ravyn|Lilya|FastHTML|Xpresso';
my $factories = 'create_app|make_app|create_application|app_factory|get_app|get_application|build_app|init_app';

sub reads_port { my ($path) = @_; return code($path) =~ /["']PORT["']/ }
sub can_serve { return has('gunicorn') || has('waitress') || has('uwsgi') || has('granian') }

sub object_command {
	my ($path) = @_;
	my $code = code($path);
	my $assigned = qr/^(\w+)\s*(?::\s*[\w.]+\s*)?=\s*/m;
	if ($code =~ /\bdash\b/ && $code =~ /$assigned(?:\w+\.)?(?:Dash|JupyterDash|DashProxy)\(/) {
		my $app = $1;
		my ($server) = $code =~ /^(\w+)\s*=\s*\Q$app\E\.server\b/m;
		flask_command($path, $server, "$path, Dash") if $server;
		my ($dir, $module) = module($path);
		finish('env HOST=0.0.0.0 python ' . quoted($path), "$path, Dash; this is a server for development: add a line \"server = $app.server\" and gunicorn");
	}
	flask_command($path, $1, "$path, Flask") if $code =~ /$assigned(?:\w+\.)?(?:$flask_like)\(/;
	asgi_command($path, $1, "$path, $2", $2) if $code =~ /$assigned(?:\w+\.)?($asgi_like)\(/;
	asgi_command($path, $1, "$path, FastHTML", '') if $code =~ /^(\w+)\s*,\s*\w+\s*=\s*fast_app\(/m;
	asgi_command($path, $1, "$path, $2", '') if $code =~ /$assigned(?:\w+\.)?(ASGIApp|ProtocolTypeRouter|AsyncApp)\(/ || $code =~ /$assigned(?:falcon\.)?(asgi\.App)\(/ || $code =~ /$assigned(blacksheep\.Application)\(/;
	if ($code =~ /\bfalcon\b/ && $code =~ /$assigned(?:falcon\.)?(?:App|API)\(/) {
		my $app = $1;
		$code =~ /falcon\.asgi/ ? asgi_command($path, $app, "$path, Falcon", '') : wsgi_command($path, $app, "$path, Falcon");
	}
	if ($code =~ /^(?:import|from)\s+(connexion)\b/m && $code =~ /$assigned(?:connexion\.)?(?:App|FlaskApp|AsyncApp)\(/) {
		asgi_command($path, $1, "$path, Connexion", '');
	}
	if ($code =~ /^(?:import|from)\s+bottle\b/m) {
		my ($app) = $code =~ /$assigned(?:bottle\.)?(?:Bottle\(|default_app\(|app\(\))/;
		wsgi_command($path, $app, "$path, Bottle") if $app;
		my ($dir, $module) = module($path);
		finish(($dir ? "cd $dir && " : '') . "python -m bottle --bind 0.0.0.0:\$PORT $module" . ($app ? ":$app" : ''), "$path, Bottle") if !reads_port($path) && $code =~ /\@(?:\w+\.)?(?:route|get)\(/;
	}
	if ($code =~ /pyramid/ && $code =~ /$assigned(?:\w+\.)?make_wsgi_app\(/) { wsgi_command($path, $1, "$path, Pyramid") }
	if ($code =~ /$assigned(?:aiohttp\.)?web\.Application\(/ && has('gunicorn')) {
		my ($dir, $module) = module($path);
		finish('gunicorn' . ($dir ? " --chdir $dir" : '') . " -k aiohttp.GunicornWebWorker $module:$1", "$path, aiohttp");
	}
	# An application without a framework: PEP 3333's.
	if ($code =~ /^def\s+(application|app)\(\s*env(?:iron)?\s*,\s*start_response\s*\)/m && can_serve()) { wsgi_command($path, $1, "$path, WSGI") }
	if ($code =~ /^async\s+def\s+(application|app)\(\s*scope\s*,\s*receive\s*,\s*send\s*\)/m) { asgi_command($path, $1, "$path, ASGI", '') }
	factory_command($path);
}

# A function that makes the app, or a file that calls one of another file.
sub factory_command {
	my ($path) = @_;
	my $code = code($path);
	my $asgi = has('fastapi') || has('starlette') || has('litestar') || has('quart') || has('sanic');
	my $flask = has('flask');
	my ($object) = $code =~ /^(\w+)\s*(?::\s*[\w.]+\s*)?=\s*(?:\w+\.)*(?:$factories)\(/m;
	if (!$object && rank($path) < 100) {
		($object) = $code =~ /^from\s+[\w.]+\s+import\s+(?:\w+\s+as\s+)?(app|application|server)\b(?!\.)/m;
		$object = undef if $object && $code =~ /\bimport\s+app\s*\n/ && -d 'app' && $code !~ /^from\s+\.?app\s+import\s+app\b/m;
	}
	if (!$object && $code =~ /^def\s+($factories)\(([^)]*)\)/m) {
		my ($function, $parameters) = ($1, $2);
		my @needed = grep { /\S/ && !/=|^\s*\*/ } split /,/, $parameters;
		$object = "$function()" if !@needed && $code =~ /\b(?:$flask_like|$asgi_like)\b/;
	}
	return unless $object;
	my $own = $code =~ /\b($asgi_like)\(/ ? $1 : '';
	asgi_command($path, $object, "$path, its $object", $own) if $own || ($asgi && !$flask);
	flask_command($path, $object, "$path, its $object") if $flask && !$own;
}

sub server_command {
	my ($path) = @_;
	my $code = code($path);
	return unless $code =~ /listen|serve|run|bind|start|launch/i;
	my $module = $path =~ m{^(.+)/__main__\.py$} ? '-m ' . $1 =~ s{^src/}{}r =~ s{/}{.}gr : quoted($path);
	finish("python $module", "$path, which reads PORT");
}

my @likely = grep { rank($_) < 100 || !m{/} } @files;
# What .flaskenv names goes first.
if (text('.flaskenv') =~ /^\s*(?:export\s+)?FLASK_APP\s*=\s*["']?([\w.\/]+)/m) {
	my $named = $1 =~ s/\.py$//r =~ s{\.}{/}gr;
	unshift @likely, grep { -f } "$named.py", "$named/__init__.py";
}
script_command($_) for grep { !m{(?:^|/)pages/} } (grep { m{(?:^|/)(?:streamlit_app|Home|Hello)\.py$}i } @files), @files;
object_command($_) for @likely;
object_command($_) for grep { rank($_) == 100 && m{/} } @files;
server_command($_) for grep { reads_port($_) } @likely, @files;

# A define() of Tornado's is an option of the command.
for my $path (@likely) {
	finish('python ' . quoted($path) . ' --port=$PORT', "$path, its option --port") if code($path) =~ /\bdefine\(\s*["']port["']/ || (code($path) =~ /add_argument\([^)]*["']--port["']/ && code($path) =~ /serve|listen|run_app|\.run\(/);
}
finish('mkdocs serve --dev-addr 0.0.0.0:$PORT --no-livereload', 'mkdocs.yml, MkDocs') if -f 'mkdocs.yml' && has('mkdocs') || -f 'mkdocs.yml' && has('mkdocs-material');

# One command that the project installs, when something in it reads the port.
my $project = text('pyproject.toml');
if ($project =~ /^\[(?:project|tool\.poetry)\.scripts\]\s*\n(.*?)(?=^\[|\z)/ms && $project =~ /^\[build-system\]/m) {
	my @names = $1 =~ /^["']?([\w.-]+)["']?\s*=/gm;
	finish($names[0], "pyproject.toml, its one script") if @names == 1 && grep { reads_port($_) } @files;
}
print "--- {}\n";
