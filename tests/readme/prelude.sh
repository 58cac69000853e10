# What each story begins with: a folder with `sample_data` and, after `biodata demo`, `biodata_data`; no network.
set -eu -o pipefail
export COLUMNS=200
_children=()
trap 'for pid in ${_children[@]+"${_children[@]}"}; do kill "$pid" 2>/dev/null || true; wait "$pid" 2>/dev/null || true; done' EXIT

# Print each command before it runs, so that a failure shows where it stood.
_trace() { [ "${FUNCNAME[1]:-main}" = main ] && echo "\$ $BASH_COMMAND" || true; }
trap _trace DEBUG

_until() { # _until SECONDS COMMAND...: wait until the command succeeds
  local end=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$end" ] || { echo "waited in vain for: $*"; return 1; }
    sleep 0.3
  done
}

# What never ends by itself runs beside the story until the story's end; a demo or a server is waited for.
biodata() {
  case "$1 ${2-}" in
    "demo --no-serve" | "demo --help") command biodata "$@" ;;
    demo* | serve*)
      local port=8000 before="" given=""
      for word in "$@"; do [ "$before" = --port ] && port=$word given=yes; before=$word; done
      # Stories run side by side: each of their servers gets a port of its own, the README's has the one that it names.
      [ -n "$given" ] || [ "${ANY_PORT:-}" != yes ] || port=$(python -c 'from servers import free_port; print(free_port())')
      [ -n "$given" ] || set -- "$@" --port "$port"
      command biodata "$@" &
      _children+=($!)
      _until 240 curl -sf "http://127.0.0.1:$port/health/ready"
      ;;
    worker*)
      case " $* " in *" --once "*) _forked "$@" ;; *) command biodata "$@" & _children+=($!) ;; esac
      ;;
    "exact serve")
      command biodata "$@" &
      _children+=($!)
      sleep 3
      kill -0 $!
      ;;
    *) _forked "$@" ;;
  esac
}
_forked() { # what ends by itself is forked off a process that has the product imported, where the story is given one
  if [ -n "${FORKED_SOCKET:-}" ]; then python -I -S "$FORKED" "$FORKED_SOCKET" "$@"; else command biodata "$@"; fi
}
uv() { [ "$1" = run ] && shift && "$@"; }
pip() { :; }
