# What Perl's standard modules do not offer: Linux system calls by number, packed by hand.
package System;
use strict;
use warnings;
use POSIX ();

my $machine = (POSIX::uname())[4];
my %numbers = $machine eq 'x86_64'
  ? (clone => 56, mount => 165, umount2 => 166, pivot_root => 155, unshare => 272, setns => 308, prctl => 157,
     epoll_create1 => 291, epoll_ctl => 233, epoll_wait => 232, signalfd4 => 289, prlimit64 => 302, capset => 126,
     setresuid => 117, setresgid => 119, setgroups => 116, sethostname => 170, mount_setattr => 442,
     inotify_init1 => 294, inotify_add_watch => 254, inotify_rm_watch => 255, lgetxattr => 192, llistxattr => 195,
     lsetxattr => 189, lremovexattr => 198, open_tree => 428, move_mount => 429, renameat2 => 316, dup3 => 292,
     close_range => 436, seccomp => 317, clock_gettime => 228, execve => 59, ioctl => 16, sched_setscheduler => 144, sched_setattr => 314)
  : $machine eq 'aarch64'
  ? (clone => 220, mount => 40, umount2 => 39, pivot_root => 41, unshare => 97, setns => 268, prctl => 167,
     epoll_create1 => 20, epoll_ctl => 21, epoll_pwait => 22, signalfd4 => 74, prlimit64 => 261, capset => 91,
     setresuid => 147, setresgid => 149, setgroups => 159, sethostname => 161, mount_setattr => 442,
     inotify_init1 => 26, inotify_add_watch => 27, inotify_rm_watch => 28, lgetxattr => 9, llistxattr => 12,
     lsetxattr => 6, lremovexattr => 15, open_tree => 428, move_mount => 429, renameat2 => 276, dup3 => 24,
     close_range => 436, seccomp => 277, clock_gettime => 113, execve => 221, ioctl => 29, sched_setscheduler => 119, sched_setattr => 274)
  : ();

sub supported { return scalar %numbers }
sub machine   { return $machine }

# Directories in this one lie apart from each other on disk. ext4 puts a new file close to its directory and passes one by
# one over all files deleted there in the last minutes; that takes half a millisecond where some thousand were. What has no
# such attribute needs none.
sub spread {
  my ($path) = @_;
  opendir(my $directory, $path) or return;
  my $attributes = pack('L!', 0);
  syscall($numbers{ioctl}, fileno($directory), 0x80086601, $attributes) == 0 or return;
  $attributes = pack('L!', unpack('L!', $attributes) | 0x20000);
  syscall($numbers{ioctl}, fileno($directory), 0x40086602, $attributes);
}

# A process that gives way loses the processor to any other that wants it, at once. Niceness does not do that: a nice process
# that runs keeps the processor for its 3 ms.
sub give_way { my ($pid, $gives_way) = @_; attempt('sched_setscheduler', $pid, $gives_way ? 5 : 0, pack('i', 0)) }

# How long the calling process may run while others wait; 0 for what is usual. Older kernels know only that.
sub set_slice {
  my ($nanoseconds) = @_;
  my $attributes = pack('LLQlLQQQ', 48, 0, 0, 0, 0, $nanoseconds, 0, 0);
  attempt('sched_setattr', 0, $attributes, 0);
}

# Dies with the call's name and the reason, so that a failing step names itself.
sub call {
  my ($name, @arguments) = @_;
  my $result = syscall($numbers{$name}, @arguments);
  die "$name: $!\n" if $result == -1;
  return $result;
}

# The arguments are the caller's own variables, so that the kernel can write into them.
sub attempt {
  my $name = shift;
  return syscall($numbers{$name}, @_);
}

use constant {
  CLONE_NEWNS => 0x20000, CLONE_NEWUTS => 0x4000000, CLONE_NEWIPC => 0x8000000, CLONE_NEWUSER => 0x10000000,
  CLONE_NEWPID => 0x20000000, CLONE_NEWNET => 0x40000000,
  MS_RDONLY => 1, MS_NOSUID => 2, MS_NODEV => 4, MS_NOEXEC => 8, MS_REMOUNT => 32, MS_BIND => 4096,
  MS_MOVE => 8192, MS_REC => 16384, MS_PRIVATE => 1 << 18,
  EPOLLIN => 1, EPOLLOUT => 4, EPOLLERR => 8, EPOLLHUP => 16,
  SFD_FLAGS => 0x80800, AT_FDCWD => -100,
};

sub mount {
  my ($source, $target, $type, $flags, $data) = @_;
  my @text = map { defined $_ ? "$_" : '' } $source, $target, $type, $data;
  my $result = syscall($numbers{mount}, $text[0], $text[1], $text[2], $flags, $text[3]);
  die "mount $text[1]: $!\n" if $result == -1;
}

# A bind mount of the host is never writable, never honours set-uid bits and never opens devices.
sub bind_read_only {
  my ($source, $target) = @_;
  System::mount($source, $target, '', MS_BIND | MS_REC, '');
  my $attributes = pack('QQQQ', 1 | 2 | 4, 0, 0, 0);
  my $path = "$target";
  return if syscall($numbers{mount_setattr}, AT_FDCWD, $path, 0x8000, $attributes, length $attributes) != -1;
  System::mount('none', $target, '', MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV, '');
}

sub prctl { my ($option, $value) = @_; return System::call('prctl', $option, $value, 0, 0, 0) }

sub limit {
  my ($resource, $soft, $hard) = @_;
  my $new = pack('QQ', $soft, $hard);
  return syscall($numbers{prlimit64}, 0, $resource, $new, 0);
}

sub become {
  my ($uid, $gid) = @_;
  syscall($numbers{setgroups}, 0, 0);
  System::call('setresgid', $gid, $gid, $gid);
  System::call('setresuid', $uid, $uid, $uid);
}

sub close_on_exec {
  my ($descriptor) = @_;
  System::call('close_range', $descriptor, $descriptor, 4);
}

# Leaves the process without any capability, also one that keeps its user.
sub drop_capabilities {
  my $header = pack('LL', 0x20080522, 0);
  my $data = pack('L6', 0, 0, 0, 0, 0, 0);
  syscall($numbers{capset}, $header, $data);
}

sub write_file {
  my ($path, $text) = @_;
  open(my $file, '>', $path) or die "open $path: $!\n";
  my $written = syswrite($file, $text);
  die "write $path: $!\n" unless defined $written;
  close($file);
}

my $event_size = $machine eq 'x86_64' ? 12 : 16;

sub epoll_create { return System::call('epoll_create1', 0x80000) }

sub epoll_control {
  my ($epoll, $operation, $descriptor, $mask) = @_;
  my $event = $event_size == 12 ? pack('LQ', $mask, $descriptor) : pack('Lx4Q', $mask, $descriptor);
  return syscall($numbers{epoll_ctl}, $epoll, $operation, $descriptor, $event);
}

my $events = "\0" x ($event_size * 128);

# The descriptors that are ready, each with its mask; empty when a signal interrupted the wait.
sub epoll_wait {
  my ($epoll, $timeout) = @_;
  my $count = $machine eq 'x86_64'
    ? syscall($numbers{epoll_wait}, $epoll, $events, 128, $timeout)
    : syscall($numbers{epoll_pwait}, $epoll, $events, 128, $timeout, 0, 8);
  return () if $count < 1;
  return map {
    my ($mask, $descriptor) = unpack($event_size == 12 ? 'LQ' : 'Lx4Q', substr($events, $_ * $event_size, $event_size));
    [$descriptor, $mask];
  } 0 .. $count - 1;
}

# Of a clock that is never set.
sub now_ms {
  my $time = pack('qq', 0, 0);
  System::attempt('clock_gettime', 1, $time);
  my ($seconds, $nanoseconds) = unpack('qq', $time);
  return $seconds * 1000 + $nanoseconds / 1e6;
}

# A descriptor that becomes readable when a child changes state. The caller must have blocked the signal.
sub child_signal_descriptor {
  my $mask = pack('Q', 1 << (POSIX::SIGCHLD() - 1));
  return System::call('signalfd4', -1, $mask, 8, SFD_FLAGS);
}

sub block_child_signal {
  my $set = POSIX::SigSet->new(POSIX::SIGCHLD());
  POSIX::sigprocmask(POSIX::SIG_BLOCK(), $set);
}

sub unblock_signals {
  POSIX::sigprocmask(POSIX::SIG_SETMASK(), POSIX::SigSet->new());
}

sub loopback_up {
  socket(my $socket, 2, 2 | 0x80000, 0) or die "socket: $!\n";
  my $request = pack('a16 s x22', 'lo', 0);
  ioctl($socket, 0x8913, $request) or die "loopback flags: $!\n";
  my $flags = unpack('x16 s', $request);
  $request = pack('a16 s x22', 'lo', $flags | 1);
  ioctl($socket, 0x8914, $request) or die "loopback up: $!\n";
}

# Fields are length-prefixed byte strings, one after another: the form of every message of spawner and agent.
sub pack_fields { return pack('(N/a*)*', @_) }
sub unpack_fields { return unpack('(N/a*)*', $_[0]) }

1;
