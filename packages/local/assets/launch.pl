# Children that wait for their order: forking is done while nothing else is, so that a command starts without it.
package Launch;
use strict;
use warnings;
use POSIX ();
use Fcntl ();

use constant { ORDER => 3, STATUS => 4, NOTHING => 5 };
my $spare;

sub spare_pid { return $spare ? $spare->{pid} : 0 }
sub is_ready { return defined $spare }

sub prepare {
  return if $spare;
  $spare = fork_waiting() or return;
  rehearse();
}

# A child that has its order, as the stream its command is; undef with $! when the sandbox has no room for one.
sub start {
  my ($order) = @_;
  while (my $child = $spare // fork_waiting()) {
    $spare = undef;
    return $child if send_order($child, $order);
    # Somebody in the sandbox has ended it.
    Streams::dismiss($child);
  }
  return undef;
}

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
  fcntl($input, Fcntl::F_SETFL(), Fcntl::O_WRONLY() | Fcntl::O_NONBLOCK());
  fcntl($_, Fcntl::F_SETFL(), Fcntl::O_RDONLY() | Fcntl::O_NONBLOCK()) for $output, $error, $status;
  return Streams::expect({ pid => $pid, stdin => $input, order => $order, notice => $status }, $output, $error);
}

sub send_order {
  my ($child, $order) = @_;
  my $message = pack('N', length $order) . $order;
  my $pipe = delete $child->{order};
  while (length $message) {
    my $written = syswrite($pipe, $message);
    return 0 unless defined $written;
    substr($message, 0, $written) = '';
  }
  return 1;
}

# A process that was just forked copies each page of memory as it is first written to. Going through the motions of an
# order beforehand keeps that off the way of the next one.
sub rehearse {
  my @fields = System::unpack_fields(System::pack_fields('exec', 'user', '', '', '', 3, qw(/bin/bash -l -c), 'A=b'));
  my $user = Paths::user('user');
  my $identity = System::pack_fields(@$user{qw(name uid gid home)});
  my @parts = System::unpack_fields(pack('N', length $identity) . $identity);
  my %variables = map { split /=/, $_, 2 } splice(@fields, 9);
  return Paths::resolve($fields[2], $user->{home});
}

# Whatever a command needs and every command needs alike is done before its order comes.
sub wait_for_order {
  POSIX::setsid();
  System::unblock_signals();
  # Perl itself ignores the second.
  $SIG{$_} = 'DEFAULT' for qw(PIPE FPE);
  POSIX::dup2(POSIX::open('/dev/null', POSIX::O_RDONLY()) // 5, NOTHING);
  if (Agent::context()->{hardened}) {
    # After its change of user, a process may write to its own settings only as a dumpable one.
    System::prctl(4, 1);
    System::write_file('/proc/self/oom_score_adj', 0);
  }
  rehearse();
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
  my ($user_fields, $terminal, $kind, undef, $cwd, undef, $with_input, $count, @rest) = @_;
  my $user = {};
  @$user{qw(name uid gid home)} = System::unpack_fields($user_fields);
  my @arguments = splice(@rest, 0, $count);
  if ($terminal ne '') { Terminal::adopt($terminal) }
  elsif (!$with_input) { POSIX::dup2(NOTHING, 0) }
  become($user, $kind);
  enter($user, $cwd);
  my %variables = (HOME => $user->{home}, USER => $user->{name}, LOGNAME => $user->{name}, map { split /=/, $_, 2 } @rest);
  if ($kind eq 'builtin') {
    %ENV = %variables;
    POSIX::close($_) for ORDER, STATUS, NOTHING;
    POSIX::_exit(Builtins::run($user, @arguments));
  }
  System::attempt('close_range', ORDER, NOTHING, 4);
  execute(\@arguments, [map { "$_=$variables{$_}" } keys %variables]);
}

# By the call itself: Perl's own way sets each variable apart first.
sub execute {
  my ($arguments, $variables) = @_;
  my $program = $arguments->[0];
  if ($program !~ m{/}) {
    %ENV = map { split /=/, $_, 2 } @$variables;
    exec { $program } @$arguments or die "exec $program: $!\n";
  }
  my ($list, $environment) = map { pack('p*', @$_, undef) } $arguments, $variables;
  System::attempt('execve', $program, $list, $environment);
  die "exec $program: $!\n";
}

# File operations have all rights inside the sandbox, as E2B's have; what they make belongs to the user.
sub become {
  my ($user, $kind) = @_;
  my $all_rights = $kind eq 'builtin';
  if (Agent::context()->{ranged}) {
    System::become($all_rights ? (0, 0) : (0 + $user->{uid}, 0 + $user->{gid}));
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
