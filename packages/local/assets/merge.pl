# Makes one layer of many: perl merge.pl TARGET BASE TOP ... BOTTOM, to stand on BASE. Files are linked, not copied: sealed layers never change.
use strict;
use warnings;
use Fcntl qw(:mode);

BEGIN {
  my ($library) = $0 =~ m{^(.*)/};
  require "$library/system.pl";
}

my $opaque = 'user.overlay.opaque';

sub is_opaque {
  my ($path) = @_;
  my $value = "\0" x 8;
  return System::attempt('lgetxattr', "$path", $opaque, $value, 8) == 1 && substr($value, 0, 1) eq 'y';
}

# A character device 0:0 says that what is below of this name is gone.
sub is_whiteout { return S_ISCHR($_[2]) && $_[6] == 0 }

# One that hides nothing has to go: in a directory of a single layer it would be listed.
sub hides_something {
  my ($relative, @below) = @_;
  return grep { lstat("$_/$relative") } @below;
}

sub names {
  my ($path) = @_;
  opendir(my $directory, $path) or die "$path: $!\n";
  return grep { $_ ne '.' && $_ ne '..' } readdir($directory);
}

sub remove {
  my ($path) = @_;
  lstat($path) or return;
  if (-d _) {
    remove("$path/$_") for names($path);
    rmdir($path) or die "$path: $!\n";
  } else {
    unlink($path) or die "$path: $!\n";
  }
}

sub apply {
  my ($source, $target, $relative, @below) = @_;
  for my $name (names($source)) {
    my ($from, $to) = ("$source/$name", "$target/$name");
    my @info = lstat($from) or die "$from: $!\n";
    if (!S_ISDIR($info[2])) {
      remove($to);
      next if is_whiteout(@info) && !hides_something("$relative$name", @below);
      link($from, $to) or die "$from: $!\n";
      next;
    }
    my @there = lstat($to);
    my $hides = is_opaque($from) || (@there && !S_ISDIR($there[2]));
    remove($to) if @there && $hides;
    if ((!@there || $hides) && !mkdir($to, 0700)) { die "$to: $!\n" }
    my ($flag, $value) = ($opaque, 'y');
    System::attempt('lsetxattr', "$to", $flag, $value, 1, 0) if $hides;
    apply($from, $to, "$relative$name/", @below);
    finish($to, @info);
  }
}

sub finish {
  my ($path, @info) = @_;
  chown($info[4], $info[5], $path);
  chmod($info[2] & 07777, $path);
  utime($info[8], $info[9], $path);
}

my ($target, $base, @layers) = @ARGV;
for my $part (qw(root local)) {
  my @below = ("$base/$part", $part eq 'local' ? '/usr/local' : ());
  mkdir("$target/$part", 0700) or die "$target/$part: $!\n";
  for my $layer (reverse @layers) {
    apply("$layer/$part", "$target/$part", '', @below);
    finish("$target/$part", lstat("$layer/$part"));
  }
}
