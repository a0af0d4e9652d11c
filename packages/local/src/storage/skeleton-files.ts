/** Files of a fresh sandbox's `/etc`, by path below the sandbox's root. */
export const systemFiles: Readonly<Record<string, string>> = {
  'etc/passwd':
    'root:x:0:0:root:/root:/bin/bash\n' +
    'user:x:1000:1000:user:/home/user:/bin/bash\n' +
    'nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n',
  'etc/group': 'root:x:0:\nuser:x:1000:\nnogroup:x:65534:\n',
  'etc/hosts': '127.0.0.1 localhost\n::1 localhost\n127.0.0.1 sandbox\n',
  'etc/hostname': 'sandbox\n',
  'etc/resolv.conf': '',
  'etc/nsswitch.conf': 'passwd: files\ngroup: files\nhosts: files\nservices: files\nprotocols: files\n',
  'etc/shells': '/bin/sh\n/bin/bash\n',
  'etc/npmrc': '',
  'etc/profile': 'umask 022\n[ -n "${PS1-}" ] && PS1=\'\\u@\\h:\\w\\$ \'\n:\n',
  'etc/bash.bashrc': '',
};

/**
 * `sudo` as sandboxes know it: without a password. Set-uid programs have no effect in a sandbox, so the command runs in
 * a user namespace in which the sandbox's user is root; when it is root already, the command simply runs.
 */
export const sudoProgram = `#!/bin/sh
user=root
while [ $# -gt 0 ]; do
  case "$1" in
    --) shift; break ;;
    -u|--user) user="$2"; shift 2 ;;
    -u?*) user="\${1#-u}"; shift ;;
    --user=*) user="\${1#--user=}"; shift ;;
    -i|--login) cd /root 2>/dev/null; shift; [ $# -gt 0 ] || set -- /bin/bash -l ;;
    -s|--shell) shift; [ $# -gt 0 ] || set -- /bin/bash ;;
    -E|-n|-S|-H|-k|-b|--preserve-env*|--non-interactive) shift ;;
    -*) shift ;;
    *=*) export "$1"; shift ;;
    *) break ;;
  esac
done
[ $# -gt 0 ] || { echo 'usage: sudo [-u user] command' >&2; exit 1; }
[ "$(id -u)" = 0 ] || [ "$user" != root ] || exec unshare --user --map-root-user -- env HOME=/root USER=root LOGNAME=root "$@"
exec "$@"
`;
