# Tells of changes below a directory, by inotify, until it is killed.
package Watch;
use strict;
use warnings;
use Fcntl qw(:mode);

use constant {
  MODIFY => 0x2, ATTRIBUTES => 0x4, MOVED_FROM => 0x40, MOVED_TO => 0x80, CREATED => 0x100, DELETED => 0x200,
  OVERFLOW => 0x4000, IGNORED => 0x8000, ONLY_DIRECTORY => 0x1000000, DONT_FOLLOW => 0x2000000, DIRECTORY => 0x40000000,
};

my $interest = MODIFY | ATTRIBUTES | MOVED_FROM | MOVED_TO | CREATED | DELETED | ONLY_DIRECTORY;
my %directories;

sub run {
  my ($user, $given, $recursive, $with_entry) = @_;
  my $root = Paths::resolve($given, $user->{home});
  stat($root) or Builtins::refuse($root);
  -d _ or die "ENOTDIR $root: is not a directory";
  my $descriptor = System::call('inotify_init1', 0x80000);
  add($descriptor, $root, '', $recursive);
  Builtins::send_record('ready', '');
  open(my $events, '<&=', $descriptor) or die "EIO $root: $!";
  while (1) {
    my $count = sysread($events, my $data, 65536);
    next if !defined $count && $!{EINTR};
    last unless $count;
    while (length $data) {
      my ($watch, $mask, $cookie, $length) = unpack('iLLL', $data);
      my $name = unpack('Z*', substr($data, 16, $length));
      substr($data, 0, 16 + $length) = '';
      tell_of($descriptor, $root, $watch, $mask, $name, $recursive, $with_entry);
    }
  }
}

# Directories are watched by their path relative to the root, "" being the root itself.
sub add {
  my ($descriptor, $root, $relative, $recursive) = @_;
  my $path = $relative eq '' ? $root : "$root/$relative";
  my $mask = $relative eq '' ? $interest : $interest | DONT_FOLLOW;
  my $watch = System::attempt('inotify_add_watch', $descriptor, "$path", $mask);
  return if $watch < 0;
  $directories{$watch} = $relative;
  return unless $recursive;
  opendir(my $directory, $path) or return;
  for my $name (grep { $_ ne '.' && $_ ne '..' } readdir($directory)) {
    my @info = lstat("$path/$name") or next;
    add($descriptor, $root, $relative eq '' ? $name : "$relative/$name", 1) if S_ISDIR($info[2]);
  }
}

sub tell_of {
  my ($descriptor, $root, $watch, $mask, $name, $recursive, $with_entry) = @_;
  return delete $directories{$watch} if $mask & IGNORED;
  my $parent = $directories{$watch};
  return if !defined $parent || $name eq '';
  my $relative = $parent eq '' ? $name : "$parent/$name";
  my $kind = $mask & (CREATED | MOVED_TO) ? 'create'
    : $mask & MODIFY ? 'write'
    : $mask & DELETED ? 'remove'
    : $mask & MOVED_FROM ? 'rename'
    : $mask & ATTRIBUTES ? 'chmod'
    : return;
  add($descriptor, $root, $relative, 1) if $recursive && $kind eq 'create' && $mask & DIRECTORY;
  my @entry = $with_entry && $kind ne 'remove' && $kind ne 'rename' ? Builtins::entry("$root/$relative") : ();
  Builtins::send_record($kind, $relative, @entry);
}

1;
