# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What the recipes in list/ have at hand: each makes an app in the empty folder that it runs in, as its starter's own tool does.

# file PATH < TEXT
file() {
	mkdir -p "$(dirname "$1")"
	cat >"$1"
}

# up DIR: a folder that a tool made becomes the top.
up() {
	find "$1" -mindepth 1 -maxdepth 1 -exec mv -t . {} +
	rmdir "$1"
}

# edit_json FILE JAVASCRIPT: with the parsed file as j.
edit_json() {
	node -e 'const fs = require("fs"), j = JSON.parse(fs.readFileSync(process.argv[1])); eval(process.argv[2]); fs.writeFileSync(process.argv[1], JSON.stringify(j, null, 2) + "\n")' "$1" "$2"
}

# The lock that npm install leaves.
npm_lock() { npm install --package-lock-only --ignore-scripts --no-audit --no-fund; }

# py PACKAGE...: programs of PyPI, in a place of the recipe's own.
py() {
	python3 -m venv "$SCRATCH/venv"
	"$SCRATCH/venv/bin/pip" install -q "$@"
	PATH=$SCRATCH/venv/bin:$PATH
}

# sdist NAME VERSION: the source archive of PyPI.
sdist() { python3 -m pip download -q --no-deps --no-binary :all: "$1==$2"; }

# go_module PATH VERSION: its source, as the module proxy has it.
go_module() {
	curl -fsS -o "$SCRATCH/module.zip" "https://proxy.golang.org/$1/@v/$2.zip"
	python3 -m zipfile -e "$SCRATCH/module.zip" "$SCRATCH/module"
	cp -r "$SCRATCH/module/$1@$2/." .
}

# go.sum, by the go command of the toolchain that the proxy has.
go_sum() {
	local version=v0.0.1-go1.24.4.linux-amd64
	curl -fsS -o "$SCRATCH/go.zip" "https://proxy.golang.org/golang.org/toolchain/@v/$version.zip"
	python3 -m zipfile -e "$SCRATCH/go.zip" "$SCRATCH/go"
	chmod -R +x "$SCRATCH/go/golang.org/toolchain@$version/bin" "$SCRATCH/go/golang.org/toolchain@$version/pkg/tool"
	GOFLAGS=-mod=mod GOTOOLCHAIN=local GOPATH=$SCRATCH/gopath "$SCRATCH/go/golang.org/toolchain@$version/bin/go" mod tidy
	chmod -R u+w "$SCRATCH/gopath"
}
