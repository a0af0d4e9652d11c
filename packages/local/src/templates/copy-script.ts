/**
 * Unpacks an archive and puts what the source names at the destination: the content of a directory, a file under a new
 * name or into a directory, or all that a pattern matches. Arguments: archive, source, destination, owner, mode.
 */
export const copyScript = `set -eu
archive=$1 source=$2 destination=$3 owner=$4 mode=$5
stage=$(mktemp -d)
tar -xf "$archive" -C "$stage" --no-same-owner
rm -f "$archive"
cd "$stage"
chmod 755 .
[ -z "$mode" ] || chmod -R "$mode" .
chown -R "$owner:" . 2>/dev/null || true
if [ -d "$source" ] && [ ! -L "$source" ]; then
  mkdir -p "$destination"
  cp -a "$source/." "$destination/"
elif [ -e "$source" ] || [ -L "$source" ]; then
  case "$destination" in */) mkdir -p "$destination" ;; *) mkdir -p "$(dirname "$destination")" ;; esac
  cp -a -- "$source" "$destination"
else
  mkdir -p "$destination"
  shopt -s nullglob globstar dotglob
  found=0
  for path in $source; do
    cp -a -- "$path" "$destination/"
    found=1
  done
  [ "$found" = 1 ] || { echo "nothing matches $source" >&2; exit 1; }
fi
cd /
rm -rf "$stage"
`;
