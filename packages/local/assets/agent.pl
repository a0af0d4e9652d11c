# The first process of a sandbox: starts commands, moves their bytes, reaps what is left, and ends with its channel.
package Agent;
use strict;
use warnings;
use POSIX ();
use Fcntl ();

use constant {
  SPAWN => 1, DATA => 2, FINISH => 3, CREDIT => 4, SIGNAL => 5, RESIZE => 6, CONNECT => 7, CLOSE => 8, FREEZE => 9, THAW => 10,
  USAGE => 11, HOLD => 12, RELEASE => 13,
};
use constant {
  READY => 65, STARTED => 66, FAILED => 67, OUT => 68, ERR => 69, EXIT => 70, DRAINED => 71, OPENED => 72, ENDED => 73,
  ACCEPTED => 74, ANSWER => 75,
};

# So long nothing has happened in a sandbox before another process is made: a command that was just started needs the
# processor, and so do those who are waiting to be told how one has ended.
use constant { QUIET_BUSY_MS => 5, QUIET_IDLE_MS => 1 };

my ($channel, $epoll, $context);
my ($incoming, $outgoing, $writable) = ('', '', 1);
my %handlers;
my (@held, @discarded);
my $holding = 0;

sub context { return $context }

# $callback gets the mask; it is called again for as long as the condition holds.
sub watch {
  my ($handle, $mask, $callback) = @_;
  my $descriptor = fileno($handle);
  my $operation = $handlers{$descriptor} ? 3 : 1;
  $handlers{$descriptor} = $callback;
  System::epoll_control($epoll, $operation, $descriptor, $mask);
}

sub unwatch {
  my ($handle) = @_;
  my $descriptor = fileno($handle);
  return unless defined $descriptor && delete $handlers{$descriptor};
  System::epoll_control($epoll, 2, $descriptor, 0);
}

# As unwatch, for a handle that nobody needs any more. It is closed when there is nothing left to tell the host.
sub discard {
  my ($handle) = @_;
  push @discarded, [$handle, delete $handlers{ fileno($handle) } ? 1 : 0];
}

sub close_discarded {
  for my $each (splice @discarded) {
    my ($handle, $is_watched) = @$each;
    System::epoll_control($epoll, 2, fileno($handle), 0) if $is_watched;
    close($handle);
  }
}

sub nonblocking {
  my ($handle) = @_;
  fcntl($handle, Fcntl::F_SETFL(), fcntl($handle, Fcntl::F_GETFL(), 0) | Fcntl::O_NONBLOCK());
  return $handle;
}

sub send_frame {
  my ($kind, $stream, $payload) = @_;
  $outgoing .= pack('NCN', length($payload), $kind, $stream) . $payload;
}

sub flush {
  while (length $outgoing) {
    my $written = syswrite($channel, $outgoing);
    if (!defined $written) {
      next if $!{EINTR};
      POSIX::_exit(0) unless $!{EAGAIN};
      watch($channel, System::EPOLLIN | System::EPOLLOUT, \&receive) if $writable;
      $writable = 0;
      return;
    }
    substr($outgoing, 0, $written) = '';
  }
  watch($channel, System::EPOLLIN, \&receive) unless $writable;
  $writable = 1;
}

sub receive {
  my ($mask) = @_;
  return unless $mask & ~System::EPOLLOUT;
  my $count = sysread($channel, $incoming, 262144, length $incoming);
  if (!defined $count) {
    return if $!{EAGAIN} || $!{EINTR};
    POSIX::_exit(0);
  }
  POSIX::_exit(0) if $count == 0;
  my $offset = 0;
  while (length($incoming) - $offset >= 9) {
    my ($length, $kind, $stream) = unpack('NCN', substr($incoming, $offset, 9));
    last if length($incoming) - $offset < 9 + $length;
    handle($kind, $stream, substr($incoming, $offset + 9, $length));
    $offset += 9 + $length;
  }
  substr($incoming, 0, $offset) = '' if $offset;
}

sub handle {
  my ($kind, $stream, $payload) = @_;
  if ($kind == DATA) { Streams::data($stream, $payload) }
  elsif ($kind == CREDIT) { Streams::credit($stream, unpack('N', $payload)) }
  elsif ($kind == SPAWN && $holding) { push @held, [$kind, $stream, $payload] }
  elsif ($kind == SPAWN) { Streams::spawn($stream, $payload) }
  elsif ($kind == FINISH) { Streams::end_input($stream) }
  elsif ($kind == SIGNAL) { Streams::signal($stream, unpack('C', $payload)) }
  elsif ($kind == RESIZE) { Streams::resize($stream, unpack('nn', $payload)) }
  elsif ($kind == CONNECT) { Sockets::connect_port($stream, unpack('n', $payload)) }
  elsif ($kind == CLOSE) { Sockets::close_stream($stream) }
  elsif ($kind == FREEZE) { freeze($stream) }
  elsif ($kind == THAW) { kill('CONT', -1); send_frame(ANSWER, $stream, '') }
  elsif ($kind == HOLD) { hold($stream) }
  elsif ($kind == RELEASE) { release($stream) }
  elsif ($kind == USAGE) { send_frame(ANSWER, $stream, pack('QQL<', usage())) }
}

# While the sandbox has no process but this one, none is started until the release. The answer is how many there are.
sub hold {
  my ($stream) = @_;
  reap();
  my $count = others();
  $holding = $count == 0;
  send_frame(ANSWER, $stream, pack('N', $count));
}

sub release {
  my ($stream) = @_;
  $holding = 0;
  send_frame(ANSWER, $stream, '');
  handle(@$_) for splice @held;
}

sub others {
  opendir(my $directory, '/proc') or return ();
  my @pids = grep { /^\d+$/ && $_ != 1 && $_ != Launch::spare_pid() } readdir($directory);
  return @pids;
}

# Answers when every other process of the sandbox really stands still.
sub freeze {
  my ($stream) = @_;
  kill('STOP', -1);
  for (1 .. 200) {
    my $moving = 0;
    for my $pid (others()) {
      open(my $file, '<', "/proc/$pid/stat") or next;
      my $line = <$file> // '';
      $moving++ unless $line =~ /\) [TtZX] /;
    }
    last unless $moving;
    kill('STOP', -1);
    select(undef, undef, undef, 0.001);
  }
  send_frame(ANSWER, $stream, '');
}

# Bytes of memory and ticks of processor time of all processes of the sandbox, and how many they are.
sub usage {
  my ($memory, $ticks, $count) = (0, 0, 0);
  for my $pid (1, others()) {
    open(my $file, '<', "/proc/$pid/stat") or next;
    my $line = <$file> // next;
    $line =~ s/^.*\) //;
    my @field = split / /, $line;
    $ticks += $field[11] + $field[12];
    $memory += $field[21] * 4096;
    $count++;
  }
  return ($memory, $ticks, $count);
}

sub reap {
  while ((my $pid = waitpid(-1, 1)) > 0) {
    Streams::exited($pid, $?);
  }
}

sub report_failure {
  my ($socket, $spec, $reason) = @_;
  my $body = System::pack_fields($spec->{id}, $spec->{nonce}, $reason);
  syswrite($socket, pack('NCN', length($body), FAILED, 0) . $body);
}

sub run {
  ($channel, $context) = @_;
  $SIG{PIPE} = 'IGNORE';
  $SIG{$_} = 'DEFAULT' for qw(INT TERM HUP);
  umask(022);
  System::block_child_signal();
  Seccomp::install();
  $epoll = System::epoll_create();
  open(my $children, '<&=', System::child_signal_descriptor()) or die "signalfd: $!\n";
  nonblocking($channel);
  watch($channel, System::EPOLLIN, \&receive);
  watch($children, System::EPOLLIN, sub { sysread($children, my $ignored, 1280); reap() });
  Sockets::listen_egress($context->{proxy}) if $context->{proxy};
  send_frame(READY, 0, System::pack_fields($context->{id}, $context->{nonce}));
  flush();
  my $is_tried = 0;
  while (1) {
    my $quiet_ms = Launch::is_ready() || $is_tried ? -1 : Streams::are_busy() ? QUIET_BUSY_MS : QUIET_IDLE_MS;
    my $telling_ms = Streams::telling_ms();
    my $is_telling = $telling_ms >= 0 && ($quiet_ms < 0 || $telling_ms <= $quiet_ms);
    my @events = System::epoll_wait($epoll, $is_telling ? $telling_ms : $quiet_ms);
    Streams::tell_starts() if $telling_ms >= 0;
    if (@events) { $is_tried = 0 }
    elsif (!$is_telling) { Launch::prepare(); $is_tried = 1 }
    for my $event (@events) {
      my $callback = $handlers{ $event->[0] } or next;
      $callback->($event->[1]);
    }
    flush();
    close_discarded() if @discarded;
  }
}

1;
