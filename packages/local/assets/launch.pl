# Children that wait for their order: forking is done while nothing else is, so that a command starts without it.
package Launch;
use strict;
use warnings;
use POSIX ();

use constant { ORDER => 3, STATUS => 4 };
my $spare;

sub spare_pid { return $spare ? $spare->{pid} : 0 }

# False when there is one already.
sub prepare {
  return 0 if $spare;
  $spare = fork_waiting();
  return 1;
}

# A child and the agent's ends of its pipes; undef with $! when the sandbox has no room for one.
sub take {
  my $child = $spare // fork_waiting();
  $spare = undef;
  return $child;
}

# A spare that somebody in the sandbox ended is no loss.
sub lost {
  my ($pid) = @_;
  $spare = undef if $spare && $spare->{pid} == $pid;
}

sub fork_waiting {
  pipe(my $input_read, my $input) or return undef;
  pipe(my $output, my $output_write) or return undef;
  pipe(my $error, my $error_write) or return undef;
  pipe(my $order_read, my $order) or return undef;
  pipe(my $status, my $status_write) or return undef;
  my $pid = fork();
  return undef unless defined $pid;
  if ($pid == 0) {
    # Copies first, far above: the places they go to may be taken by one another.
    my @wanted = map { fileno $_ } $input_read, $output_write, $error_write, $order_read, $status_write;
    my @high = map { POSIX::dup2($_->[0], $_->[1]); $_->[1] } map { [$wanted[$_], 200 + $_] } 0 .. 4;
    POSIX::dup2($high[$_], $_) for 0 .. 4;
    System::attempt('close_range', 5, 0x7fffffff, 0);
    wait_for_order();
  }
  return { pid => $pid, input => $input, output => $output, error => $error, order => $order, status => $status };
}

sub send_order {
  my ($child, @fields) = @_;
  my $body = System::pack_fields(@fields);
  my $message = pack('N', length $body) . $body;
  while (length $message) {
    my $written = syswrite($child->{order}, $message);
    return 0 unless defined $written;
    substr($message, 0, $written) = '';
  }
  close($child->{order});
  return 1;
}

sub wait_for_order {
  POSIX::setsid();
  System::unblock_signals();
  my $message = '';
  while (length($message) < 4 || length($message) < 4 + unpack('N', $message)) {
    my $count = POSIX::read(ORDER, my $part, 65536);
    POSIX::_exit(0) unless $count;
    $message .= substr($part, 0, $count);
  }
  eval { carry_out(System::unpack_fields(substr($message, 4))) };
  POSIX::write(STATUS, $@, length $@);
  POSIX::_exit(126);
}

# That the status pipe closes without a word says that the command runs.
sub carry_out {
  my ($kind, $user_fields, $cwd, $terminal, $with_input, $count, @rest) = @_;
  my $user = {};
  @$user{qw(name uid gid home)} = System::unpack_fields($user_fields);
  $user->{$_} += 0 for qw(uid gid);
  my @arguments = splice(@rest, 0, $count);
  $SIG{PIPE} = 'DEFAULT';
  if ($terminal ne '') { Terminal::adopt($terminal) }
  elsif (!$with_input) { open(STDIN, '<', '/dev/null') }
  if (Agent::context()->{hardened}) {
    # After its change of user, a process may write to its own settings only as a dumpable one.
    System::prctl(4, 1);
    System::write_file('/proc/self/oom_score_adj', 0);
  }
  become($user, $kind);
  enter($user, $cwd);
  %ENV = (HOME => $user->{home}, USER => $user->{name}, LOGNAME => $user->{name}, map { split /=/, $_, 2 } @rest);
  if ($kind eq 'builtin') {
    POSIX::close($_) for ORDER, STATUS;
    POSIX::_exit(Builtins::run($user, @arguments));
  }
  Seccomp::install();
  POSIX::close(ORDER);
  System::close_on_exec(STATUS);
  exec { $arguments[0] } @arguments or die "exec $arguments[0]: $!\n";
}

# File operations have all rights inside the sandbox, as E2B's have; what they make belongs to the user.
sub become {
  my ($user, $kind) = @_;
  my $all_rights = $kind eq 'builtin';
  if (Agent::context()->{ranged}) {
    System::become($all_rights ? (0, 0) : ($user->{uid}, $user->{gid}));
  } elsif ($all_rights) {
    return;
  } elsif ($user->{uid} == 0) {
    System::call('unshare', System::CLONE_NEWUSER);
    System::write_file('/proc/self/setgroups', 'deny');
    System::write_file('/proc/self/uid_map', '0 1000 1');
    System::write_file('/proc/self/gid_map', '0 1000 1');
  }
  System::drop_capabilities() unless $all_rights || $user->{uid} == 0;
}

sub enter {
  my ($user, $cwd) = @_;
  my $directory = Paths::resolve($cwd, $user->{home});
  return if chdir($directory);
  die "cwd \"$directory\" does not exist or cannot be entered: $!\n" if $cwd ne '';
  chdir('/');
}

1;
