# A context of Bash: evaluates one piece of code after another in this shell, for one client, the host.
# $1 is the marker that only the host knows; requests are lines of "number names-of-variables base64-of-code".
__pilotlight_marker=$1
__pilotlight_count=0
set --
exec {__pilotlight_in}<&0 </dev/null
__pilotlight_send() { printf '\036%s%s\n' "$__pilotlight_marker" "$1"; }
__pilotlight_send '{"type":"ready"}'
while IFS= read -r -u "$__pilotlight_in" __pilotlight_line; do
  __pilotlight_count=$((__pilotlight_count + 1))
  __pilotlight_send "{\"type\":\"count\",\"count\":$__pilotlight_count}"
  eval "$(base64 -d <<<"$__pilotlight_line")"
  __pilotlight_status=$?
  [ "$__pilotlight_status" = 0 ] || __pilotlight_send \
    "{\"type\":\"error\",\"name\":\"ExitStatus\",\"value\":\"exit status $__pilotlight_status\",\"traceback\":\"\"}"
  # On both streams, so that the host knows of each that nothing more comes.
  __pilotlight_send '{"type":"end"}' >&2
  __pilotlight_send '{"type":"end"}'
done
