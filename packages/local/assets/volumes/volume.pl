# One operation on the files of a volume, run in a machine that shows the volume at $ARGV[0] and nothing else of the host.
# Arguments: root of the volume, operation, path, then what the operation takes. Entries go to standard output as
# length-prefixed fields; a failure goes to standard error as "CODE message", with exit status 1.
use strict;
use warnings;
use Errno ();
use Fcntl qw(:mode);

my ($root, $operation, $given, @rest) = @ARGV;
$SIG{PIPE} = 'DEFAULT';
binmode(STDIN);
binmode(STDOUT);
umask(022);

sub refuse {
  my ($code) = @_;
  my ($name) = $code // grep { $!{$_} } keys %!;
  print STDERR (($name // 'EIO') . " $given: " . ($code ? "not possible" : "$!"));
  exit(1);
}

# Absolute within the volume, without "." and "..".
sub plain {
  my @parts;
  for my $part (split m{/+}, $_[0]) {
    next if $part eq '' || $part eq '.';
    if ($part eq '..') { pop @parts; next }
    push @parts, $part;
  }
  return join('/', '', @parts);
}

sub send_entry {
  my ($path) = @_;
  my @info = lstat("$root$path") or refuse();
  my $type = S_ISDIR($info[2]) ? 'directory' : S_ISREG($info[2]) ? 'file' : S_ISLNK($info[2]) ? 'symlink' : 'unknown';
  my $target = $type eq 'symlink' ? readlink("$root$path") // '' : '';
  my ($name) = $path =~ m{([^/]+)$};
  my $body = pack('(N/a*)*', $name // '', $path eq '' ? '/' : $path, $type, $info[7], $info[2] & 07777, @info[4, 5, 8, 9, 10], $target);
  print STDOUT pack('N', length $body), $body;
}

sub list {
  my ($path, $depth) = @_;
  opendir(my $directory, "$root$path") or refuse();
  for my $name (sort grep { $_ ne '.' && $_ ne '..' } readdir($directory)) {
    send_entry("$path/$name");
    list("$path/$name", $depth - 1) if $depth > 1 && -d "$root$path/$name" && !-l "$root$path/$name";
  }
}

# Empty values leave what is there.
sub set {
  my ($path, $uid, $gid, $mode) = @_;
  if ($mode ne '') { chmod($mode, "$root$path") or refuse() }
  return if $uid eq '' && $gid eq '';
  my @info = lstat("$root$path") or refuse();
  my @wanted = ($uid eq '' ? $info[4] : $uid, $gid eq '' ? $info[5] : $gid);
  return if $wanted[0] == $info[4] && $wanted[1] == $info[5];
  chown(@wanted, "$root$path") or refuse();
}

sub make_parents {
  my ($path) = @_;
  my $so_far = '';
  for my $part (split m{/}, substr($path, 1)) {
    $so_far .= "/$part";
    mkdir("$root$so_far", 0755) or -d "$root$so_far" or refuse();
  }
}

sub make_directory {
  my ($path, $uid, $gid, $mode, $force) = @_;
  if ($force) { make_parents($path) } else { mkdir("$root$path", 0755) or refuse() }
  set($path, $uid, $gid, $mode);
  send_entry($path);
}

sub remove {
  my ($path) = @_;
  lstat("$root$path") or refuse();
  if (-d _) {
    opendir(my $directory, "$root$path") or refuse();
    my @names = grep { $_ ne '.' && $_ ne '..' } readdir($directory);
    closedir($directory);
    remove("$path/$_") for @names;
    return if $path eq '';
    rmdir("$root$path") or refuse();
  } else {
    unlink("$root$path") or refuse();
  }
}

# Beside the file first, then in its place: a reader sees the old content or the new.
sub write_file {
  my ($path, $uid, $gid, $mode, $force) = @_;
  refuse('EISDIR') if -d "$root$path";
  refuse('EEXIST') if !$force && lstat("$root$path");
  my $partial = "$path.$$.partial";
  sysopen(my $file, "$root$partial", Fcntl::O_WRONLY() | Fcntl::O_CREAT() | Fcntl::O_EXCL(), 0644) or refuse();
  copy(\*STDIN, $file) and close($file) or do { my $error = $!; unlink("$root$partial"); $! = $error; refuse() };
  set($partial, $uid, $gid, $mode);
  rename("$root$partial", "$root$path") or refuse();
  send_entry($path);
}

sub read_file {
  my ($path) = @_;
  refuse('EISDIR') if -d "$root$path";
  sysopen(my $file, "$root$path", Fcntl::O_RDONLY() | Fcntl::O_NONBLOCK()) or refuse();
  refuse('EINVAL') unless -f $file;
  $| = 1;
  send_entry($path);
  copy($file, \*STDOUT) or refuse();
}

sub copy {
  my ($from, $to) = @_;
  while (1) {
    my $count = sysread($from, my $data, 131072);
    return 0 unless defined $count;
    return 1 if $count == 0;
    while (length $data) {
      my $written = syswrite($to, $data);
      return 0 unless defined $written;
      substr($data, 0, $written) = '';
    }
  }
}

my $path = plain($given);
if ($operation eq 'stat') { send_entry($path) }
elsif ($operation eq 'list') { -d "$root$path" or refuse(-e _ ? 'ENOTDIR' : 'ENOENT'); list($path, $rest[0]) }
elsif ($operation eq 'mkdir') { make_directory($path, @rest) }
elsif ($operation eq 'set') { set($path, @rest); send_entry($path) }
elsif ($operation eq 'remove') { remove($path) }
elsif ($operation eq 'read') { read_file($path) }
elsif ($operation eq 'write') { write_file($path, @rest) }
