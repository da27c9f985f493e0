#!/bin/sh
# Makes the virtual environment from nothing: the locked packages, checked by hash, then this project.
# Called by `make`; does nothing that needs root. VENV names the folder, PYTHON the interpreter (both optional).
set -eu

venv=${VENV:-.venv}
log=$venv/setup.log

stop() {
    printf '%s\n' "$@" >&2
    exit 1
}

is_new_enough() {
    command -v "$1" >/dev/null 2>&1 && "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

find_python() {
    if [ -n "${PYTHON:-}" ]; then
        is_new_enough "$PYTHON" || stop "PYTHON=$PYTHON is not a Python of 3.11 or newer."
        printf '%s\n' "$PYTHON"
        return
    fi
    for candidate in python3 python3.13 python3.12 python3.11 python; do
        if is_new_enough "$candidate"; then
            printf '%s\n' "$candidate"
            return
        fi
    done
    stop "Toban needs Python 3.11 or newer; python3 here is $(python3 --version 2>/dev/null || echo missing)." \
        "Install one, or name it: make PYTHON=/path/to/python3.12 …"
}

# Reads pip's own lines and shows one that moves on a terminal, or a few plain ones elsewhere.
show_progress() {
    total=$(grep -c '==' requirements/lock.txt)
    if [ -t 2 ]; then width=30 terminal=1; else width=30 terminal=0; fi
    awk -v total="$total" -v width="$width" -v terminal="$terminal" '
        function show(share, text,   bar, i) {
            if (share > 1) share = 1
            for (i = 1; i <= width; i++) bar = bar (i <= share * width ? "#" : ".")
            if (terminal) printf "\r\033[K[%s] %s", bar, text > "/dev/stderr"
            else print "  " text > "/dev/stderr"
            fflush("/dev/stderr")
        }
        /^(Collecting|Requirement already satisfied)/ {
            count++
            sub(/^Collecting /, ""); sub(/^Requirement already satisfied: /, ""); sub(/[=<> ].*/, "")
            if (terminal || count % 25 == 0) show(0.8 * count / total, count " packages fetched, last " $0)
        }
        /^Installing collected packages/ { show(0.85, "installing them") }
        /^Successfully installed/ { show(1, "installed") }
        END { if (terminal) printf "\r\033[K" > "/dev/stderr" }'
}

python=$(find_python) || exit 1
printf 'Setting up %s with %s (once: a minute or two, 1.2 GB on disk)\n' "$venv" "$("$python" --version)" >&2
if [ ! -x "$venv/bin/python" ] || ! "$venv/bin/python" -c 'import pip' >/dev/null 2>&1; then
    rm -rf "$venv"
    "$python" -m venv "$venv" >&2 || stop \
        "$python cannot make virtual environments: its modules venv and ensurepip are needed" \
        "(Debian and Ubuntu: the package python3-venv)."
fi

pip() { "$venv/bin/python" -m pip --disable-pip-version-check --no-input "$@"; }
fail() {
    tail -n 25 "$log" >&2
    stop "" "Setting up failed; the whole log is in $log."
}

: >"$log"
pip install --quiet --require-hashes -r requirements/build.txt >>"$log" 2>&1 || fail
# POSIX sh has no pipefail: the exit code of pip goes past the pipe by a file.
{ pip install --progress-bar off --no-build-isolation --require-hashes -r requirements/lock.txt 2>&1 || : >"$venv/failed"; } |
    tee -a "$log" | show_progress
if [ -e "$venv/failed" ]; then
    rm -f "$venv/failed"
    fail
fi
pip install --quiet --no-build-isolation --no-deps --editable . >>"$log" 2>&1 || fail
printf 'Ready.\n' >&2
