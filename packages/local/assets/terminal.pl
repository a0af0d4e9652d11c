# Pseudo-terminals, by the ioctl numbers Linux has on every architecture this runs on.
package Terminal;
use strict;
use warnings;
use Fcntl ();
use POSIX ();

sub open_pair {
  my ($size) = @_;
  sysopen(my $master, '/dev/ptmx', Fcntl::O_RDWR() | Fcntl::O_NOCTTY()) or return ();
  my $unlock = pack('i', 0);
  ioctl($master, 0x40045431, $unlock) or return ();
  my $number = pack('i', 0);
  ioctl($master, 0x80045430, $number) or return ();
  my $path = '/dev/pts/' . unpack('i', $number);
  sysopen(my $slave, $path, Fcntl::O_RDWR() | Fcntl::O_NOCTTY()) or return ();
  set_size($slave, split /x/, $size);
  return ($master, $slave, $path);
}

# The terminal becomes the calling session's own, and its input and output.
sub adopt {
  my ($path) = @_;
  sysopen(my $slave, $path, Fcntl::O_RDWR()) or die "terminal $path: $!\n";
  ioctl($slave, 0x540e, 0);
  POSIX::dup2(fileno($slave), $_) for 0 .. 2;
}

sub set_size {
  my ($handle, $columns, $rows) = @_;
  my $size = pack('SSSS', $rows, $columns, 0, 0);
  ioctl($handle, 0x5414, $size);
}

1;
