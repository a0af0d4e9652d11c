# File operations, run in a child that is already the user who asked: the kernel judges every path and every right.
# Results go to standard output as fields; a failure goes to standard error as "CODE message", with exit status 1.
package Builtins;
use strict;
use warnings;
use Cwd ();
use Errno ();
use Fcntl qw(:mode);

my $prefix = 'user.e2b.';

sub run {
  my ($user, $name, @arguments) = @_;
  my %operations = (
    stat => \&stat_entry, list => \&list, mkdir => \&make_directory, move => \&move, remove => \&remove,
    read => \&read_file, write => \&write_file, watch => \&Watch::run,
  );
  my $done = eval { $operations{$name}->($user, @arguments); 1 };
  return 0 if $done;
  my $text = $@;
  syswrite(STDERR, $text);
  return 1;
}

sub refuse {
  my ($path, $code) = @_;
  my ($name) = $code // grep { $!{$_} } keys %!;
  die(($name // 'EIO') . " $path: $!");
}

sub output {
  my ($data) = @_;
  while (length $data) {
    my $written = syswrite(STDOUT, $data);
    die "EPIPE output: $!" unless defined $written;
    substr($data, 0, $written) = '';
  }
}

sub send_record { my $body = System::pack_fields(@_); output(pack('N', length $body) . $body) }

# path, kind, size, mode, owner, group, modified (seconds.nanoseconds), link target, then metadata pairs.
sub entry {
  my ($path) = @_;
  my @link = lstat($path) or return ();
  my @info = @link;
  my $target = '';
  if (S_ISLNK($link[2])) {
    $target = real_path($path) // readlink($path);
    my @followed = stat($path);
    @info = @followed if @followed;
  }
  my $kind = S_ISDIR($info[2]) ? 'directory' : S_ISREG($info[2]) ? 'file' : S_ISLNK($info[2]) ? 'link' : 'other';
  my $size = S_ISLNK($link[2]) ? $link[7] : $info[7];
  return ($path, $kind, $size, $link[2], Paths::user_name($link[4]), Paths::group_name($link[5]), $link[9], $target,
    $kind eq 'file' ? metadata($path) : ());
}

sub real_path { return Cwd::abs_path($_[0]) }

sub attribute_names {
  my ($path) = @_;
  my $list = "\0" x 65536;
  my $length = System::attempt('llistxattr', "$path", $list, 65536);
  return () if $length <= 0;
  return grep { index($_, $prefix) == 0 } split /\0/, substr($list, 0, $length);
}

sub metadata {
  my ($path) = @_;
  return map {
    my $value = "\0" x 65536;
    my $length = System::attempt('lgetxattr', "$path", "$_", $value, 65536);
    $length >= 0 ? (substr($_, length $prefix), substr($value, 0, $length)) : ();
  } sort(attribute_names($path));
}

sub set_metadata {
  my ($path, @pairs) = @_;
  System::attempt('lremovexattr', "$path", "$_") for attribute_names($path);
  while (my ($key, $value) = splice(@pairs, 0, 2)) {
    my $result = System::attempt('lsetxattr', "$path", "$prefix$key", "$value", length $value, 0);
    refuse($path) if $result < 0;
  }
}

sub stat_entry {
  my ($user, $given) = @_;
  my $path = Paths::resolve($given, $user->{home});
  my @entry = entry($path) or refuse($path);
  send_record(@entry);
}

sub list {
  my ($user, $given, $depth) = @_;
  my $path = Paths::resolve($given, $user->{home});
  stat($path) or refuse($path);
  -d _ or die "ENOTDIR $path: is not a directory";
  list_below($path, $depth);
}

sub list_below {
  my ($path, $depth) = @_;
  opendir(my $directory, $path) or refuse($path);
  my @names = sort grep { $_ ne '.' && $_ ne '..' } readdir($directory);
  closedir($directory);
  for my $name (@names) {
    my $child = $path eq '/' ? "/$name" : "$path/$name";
    my @entry = entry($child) or next;
    next if $entry[1] eq 'other';
    send_record(@entry);
    next unless $depth > 1 && S_ISDIR($entry[3]);
    eval { list_below($child, $depth - 1) };
  }
}

sub give { my ($user, $path) = @_; chown($user->{uid}, $user->{gid}, $path) if Agent::context()->{ranged} }

sub make_parents {
  my ($user, $path) = @_;
  my $so_far = '';
  for my $part (split m{/}, substr($path, 1)) {
    $so_far .= "/$part";
    if (mkdir($so_far, 0755)) { give($user, $so_far) }
    elsif (!$!{EEXIST}) { refuse($so_far) }
  }
}

sub parent { my ($path) = @_; $path =~ s{/[^/]*$}{}; return $path }

sub make_directory {
  my ($user, $given) = @_;
  my $path = Paths::resolve($given, $user->{home});
  if (stat($path)) {
    die "EEXIST $path: already exists" if -d _;
    die "ENOTDIR $path: a file of this name exists";
  }
  make_parents($user, $path);
  send_record(entry($path));
}

sub move {
  my ($user, $from, $to) = @_;
  my ($source, $target) = map { Paths::resolve($_, $user->{home}) } $from, $to;
  lstat($source) or refuse($source);
  make_parents($user, parent($target));
  unless (rename($source, $target)) {
    refuse($source) unless $!{EXDEV};
    # Directories of a lower layer cannot be renamed; they are copied and removed instead.
    system('cp', '-a', '-T', '--', $source, $target) == 0 or die "EIO $source: could not be copied to $target";
    remove_tree($source);
  }
  send_record(entry($target));
}

sub remove {
  my ($user, $given) = @_;
  my $path = Paths::resolve($given, $user->{home});
  return unless lstat($path);
  remove_tree($path);
}

sub remove_tree {
  my ($path) = @_;
  lstat($path) or return;
  if (-d _) {
    opendir(my $directory, $path) or refuse($path);
    my @names = grep { $_ ne '.' && $_ ne '..' } readdir($directory);
    closedir($directory);
    remove_tree("$path/$_") for @names;
    rmdir($path) or refuse($path);
  } else {
    unlink($path) or refuse($path);
  }
}

# One record with the entry, then the bytes from offset on, at most length of them when length is not empty.
sub read_file {
  my ($user, $given, $offset, $length) = @_;
  my $path = Paths::resolve($given, $user->{home});
  stat($path) or refuse($path);
  die "EISDIR $path: is a directory" if -d _;
  die "EINVAL $path: is not a regular file" unless -f _;
  sysopen(my $file, $path, Fcntl::O_RDONLY()) or refuse($path);
  send_record(entry($path));
  sysseek($file, $offset, 0) if $offset;
  my $left = $length eq '' ? undef : $length;
  while (!defined $left || $left > 0) {
    my $want = defined $left && $left < 131072 ? $left : 131072;
    my $count = sysread($file, my $data, $want);
    refuse($path) unless defined $count;
    last if $count == 0;
    $left -= $count if defined $left;
    output($data);
  }
}

# Bytes come from standard input; $append names other files whose bytes are taken instead.
sub write_file {
  my ($user, $given, $sources, @pairs) = @_;
  my $path = Paths::resolve($given, $user->{home});
  die "EISDIR $path: is a directory" if -d $path;
  make_parents($user, parent($path));
  my $is_new = !lstat($path);
  sysopen(my $file, $path, Fcntl::O_WRONLY() | Fcntl::O_CREAT() | Fcntl::O_TRUNC(), 0666) or refuse($path);
  give($user, $path) if $is_new;
  while (1) {
    my $count = sysread(STDIN, my $data, 131072);
    refuse($path) unless defined $count;
    last if $count == 0;
    while (length $data) {
      my $written = syswrite($file, $data);
      refuse($path) unless defined $written;
      substr($data, 0, $written) = '';
    }
  }
  close($file) or refuse($path);
  set_metadata($path, @pairs);
  send_record(entry($path));
}

1;
