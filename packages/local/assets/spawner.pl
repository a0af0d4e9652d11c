# Started once, early and small: starts sandboxes for the host in constant time, whatever memory the host holds.
# Frames on standard input and output: length (32 bit), kind (one byte), fields.
use strict;
use warnings;
use POSIX ();
use Socket ();

BEGIN {
  my ($library) = $0 =~ m{^(.*)/};
  require "$library/$_.pl" for qw(system seccomp ranges cgroup jail relayer paths agent terminal launch streams sockets builtins watch);
}

use constant { CREATE => 1, KILL => 2, TASK => 3, PROBE => 4, RELAYER => 5, FREEZE => 6, THAW => 7, HARDEN => 8, HURRY => 9 };
use constant { EXITED => 65, DONE => 66, LEVEL => 67, REFUSED => 68 };

# What the spawner does may take 3 ms; who waits for a sandbox that exists should not wait for that.
use constant { RLIMIT_NICE => 13, SLICE_NS => 200_000 };

my ($instance) = @ARGV;
chdir($instance) or die "chdir $instance: $!\n";
$SIG{PIPE} = 'IGNORE';
$SIG{INT} = $SIG{TERM} = $SIG{HUP} = 'IGNORE';

my $ranged = $> == 0;
my $hardened = 0;
my (%sandboxes, %names, %ranges, %tasks, %outputs);

# A failure here is not fatal: the host asks for the level and falls back by name.
my $refusal = '';
sub prepare {
  return $refusal = 'no system call numbers for ' . System::machine() unless System::supported();
  eval {
    unless ($ranged) {
      my ($uid, $gid) = ($> + 0, $) + 0);
      System::call('unshare', System::CLONE_NEWUSER);
      System::write_file('/proc/self/setgroups', 'deny');
      System::write_file('/proc/self/uid_map', "0 $uid 1");
      System::write_file('/proc/self/gid_map', "0 $gid 1");
    }
    1;
  } or $refusal = "user namespaces are refused here: $@";
}

my $pending = '';
sub reply {
  my ($kind, @fields) = @_;
  my $body = System::pack_fields(@fields);
  my $frame = pack('NC', length($body), $kind) . $body;
  while (length $frame) {
    my $written = syswrite(STDOUT, $frame);
    return unless defined $written;
    substr($frame, 0, $written) = '';
  }
}

sub connect_host {
  socket(my $channel, Socket::AF_UNIX(), Socket::SOCK_STREAM(), 0) or die "socket: $!\n";
  connect($channel, Socket::pack_sockaddr_un('agent.sock')) or die "connect: $!\n";
  return $channel;
}

# key=value fields; layers, system, binds and volumes are lists with ":" between, the last two as source>target.
sub read_spec {
  my %spec = map { split /=/, $_, 2 } @_;
  $spec{$_} = [split /:/, $spec{$_} // ''] for qw(layers system hidden);
  $spec{$_} = [map { [split />/, $_, 2] } split /:/, $spec{$_} // ''] for qw(binds volumes);
  return \%spec;
}

sub make_directories {
  my ($spec) = @_;
  my $sandbox = "sandboxes/$spec->{id}";
  my $home = Jail::home($spec);
  mkdir($sandbox, 0700) or $!{EEXIST} or die "mkdir $sandbox: $!\n";
  mkdir($home, 0755) or die "mkdir $home: $!\n";
  my @made = ($sandbox, $home, map { "$home/$_" } qw(root root-work local local-work));
  mkdir($_, 0755) for @made[2 .. $#made];
  chown(Ranges::DISK, Ranges::DISK, @made) if $ranged;
}

sub create {
  my $spec = read_spec(@_);
  make_directories($spec);
  pipe(my $go_read, my $go_write) or die "pipe: $!\n";
  my $channel = connect_host();
  my $range = $spec->{ownRange} ? Ranges::take() : 0;
  my $tree = $range ? Ranges::translated_tree($range) : -1;
  # What nobody waits for yet gives way to what somebody does. Only root can take that back.
  my $gives_way = $ranged && $spec->{ahead};
  my @groups = $hardened ? Cgroup::make($spec->{id}, { map { $_ => $spec->{$_} } qw(memory cpus processes) }) : ();
  my $flags = System::CLONE_NEWUSER | System::CLONE_NEWNS | System::CLONE_NEWPID | System::CLONE_NEWNET
    | System::CLONE_NEWIPC | System::CLONE_NEWUTS;
  my $pid = System::call('clone', $flags | 17, 0, 0, 0, 0);
  if ($pid == 0) {
    close($go_write);
    POSIX::close($_) for $main::epoll, $main::children;
    Ranges::forget();
    System::set_slice(0);
    sysread($go_read, my $go, 1);
    close($go_read);
    open(STDIN, '<', '/dev/null');
    open(STDOUT, '>', '/dev/null');
    eval {
      Cgroup::join_groups(@groups);
      System::become(0, 0) if $ranged;
      $0 = 'sandbox';
      Jail::build($spec, $tree);
      Jail::restrict($spec);
      System::give_way(0, 0) if $gives_way;
      System::limit(RLIMIT_NICE, 0, 0) if $ranged;
      open(STDERR, '>', '/dev/null');
      Agent::run($channel, { id => $spec->{id}, nonce => $spec->{nonce}, ranged => $ranged, hardened => $hardened, proxy => $spec->{proxy} });
      1;
    } or Agent::report_failure($channel, $spec, $@);
    POSIX::_exit(1);
  }
  System::give_way($pid, 1) if $gives_way;
  POSIX::close($tree) if $tree >= 0;
  $ranges{$pid} = $range;
  if ($hardened) {
    # When memory runs out, the agent is the last to go; commands give this up as they start.
    eval { System::write_file("/proc/$pid/oom_score_adj", -900) };
  }
  my $map = $ranged ? join(' ', 0, Ranges::first_id($range), Ranges::SIZE) : '1000 0 1';
  System::write_file("/proc/$pid/setgroups", 'deny') unless $ranged;
  System::write_file("/proc/$pid/uid_map", $map);
  System::write_file("/proc/$pid/gid_map", $map);
  # Whoever enters the sandbox from outside can tell by the namespace that the process is still this one.
  System::write_file("sandboxes/$spec->{id}/init", "$pid " . (stat("/proc/$pid/ns/pid"))[1] . "\n");
  syswrite($go_write, '1');
  $sandboxes{$pid} = $spec->{id};
  $names{ $spec->{id} } = $pid;
}

sub refuse {
  my ($id, $reason) = @_;
  Cgroup::remove($id) if $hardened;
  reply(REFUSED, $id, $reason);
}

# Copies and removals run beside the loop. They see every file of a sandbox, whatever its mode.
sub task {
  my ($id, @command) = @_;
  run_beside($id, sub {
    exec { $command[0] } @command;
    print STDOUT "$command[0]: $!";
    return 127;
  });
}

sub relayer {
  my ($task, @fields) = @_;
  my $spec = read_spec(@fields);
  my $pid = $names{ $spec->{id} } or die "there is no sandbox $spec->{id}\n";
  make_directories($spec);
  run_beside($task, sub { return Relayer::run($pid, $spec, $ranged, $ranges{$pid}) });
}

sub run_beside {
  my ($id, $act) = @_;
  pipe(my $read, my $write) or die "pipe: $!\n";
  my $pid = fork();
  die "fork: $!\n" unless defined $pid;
  if ($pid == 0) {
    System::unblock_signals();
    open(STDIN, '<', '/dev/null');
    open(STDOUT, '>&', $write);
    open(STDERR, '>&', $write);
    $SIG{PIPE} = 'DEFAULT';
    POSIX::_exit($act->());
  }
  $tasks{$pid} = $id;
  $outputs{$pid} = $read;
}

sub reap {
  while ((my $pid = waitpid(-1, 1)) > 0) {
    my $status = $?;
    Ranges::give_back(delete $ranges{$pid});
    if (defined(my $id = delete $sandboxes{$pid})) {
      delete $names{$id};
      Cgroup::remove($id) if $hardened;
      reply(EXITED, $id, $status);
    } elsif (defined(my $task = delete $tasks{$pid})) {
      my $text = '';
      sysread(delete $outputs{$pid}, $text, 4096);
      reply(DONE, $task, $status, $text // '');
    }
  }
}

sub handle {
  my ($kind, @fields) = @_;
  if ($kind == CREATE) {
    my ($id) = map { /^id=(.*)/ ? $1 : () } @fields;
    eval { create(@fields); 1 } or refuse($id, $@);
  } elsif ($kind == KILL) {
    end_sandbox($fields[0]);
  } elsif ($kind == HURRY) {
    my $pid = $names{ $fields[0] };
    System::give_way($pid, 0) if $pid && $ranged;
  } elsif ($kind == TASK) {
    my $id = $fields[0];
    eval { task(@fields); 1 } or reply(DONE, $id, 1, $@);
  } elsif ($kind == RELAYER) {
    my $id = $fields[0];
    eval { relayer(@fields); 1 } or reply(DONE, $id, 256, $@);
  } elsif ($kind == FREEZE || $kind == THAW) {
    my ($task, $id) = @fields;
    my $done = eval { Cgroup::set_frozen($id, $kind == FREEZE); 1 };
    reply(DONE, $task, $done ? 0 : 256, $@);
  } elsif ($kind == HARDEN) {
    Cgroup::close_groups();
    my $reason = $fields[1] eq '' ? 'limits are off' : $ranged ? Cgroup::open_groups($fields[1]) : 'only root can limit sandboxes';
    $hardened = $reason eq '';
    reply(DONE, $fields[0], $hardened ? 0 : 256, $reason);
  } elsif ($kind == PROBE) {
    reply(LEVEL, $refusal eq '' ? 'namespaces' : 'process', $refusal, $ranged ? 'range' : 'single');
  }
}

# A process that is frozen cannot die: the older control groups have to let it go first.
sub end_sandbox {
  my ($id) = @_;
  my $pid = $names{$id} or return;
  kill('KILL', $pid);
  eval { Cgroup::set_frozen($id, 0) } if $hardened;
}

# The host is gone: nothing of its sandboxes may stay, neither processes nor files.
sub end {
  kill('KILL', keys %tasks);
  end_sandbox($_) for values %sandboxes;
  while ((my $pid = waitpid(-1, 0)) > 0) {
    Cgroup::remove($sandboxes{$pid}) if $hardened && $sandboxes{$pid};
  }
  Cgroup::close_groups();
  { exec('rm', '-rf', '--', $instance) }
  POSIX::_exit(1);
}

prepare();
System::spread('sandboxes');
System::set_slice(SLICE_NS);
# So that a sandbox that gave way can go back to where it was, once.
System::limit(RLIMIT_NICE, 20, 20) if $ranged;
Seccomp::program();
System::block_child_signal();
our $epoll = System::epoll_create();
our $children = System::child_signal_descriptor();
System::epoll_control($epoll, 1, $_, System::EPOLLIN) for 0, $children;
open(my $signals, '<&=', $children) or die "signalfd: $!\n";

while (1) {
  for my $event (System::epoll_wait($epoll, -1)) {
    if ($event->[0] == $children) {
      sysread($signals, my $ignored, 1280);
      reap();
      next;
    }
    my $count = sysread(STDIN, $pending, 65536, length $pending);
    end() unless $count;
    while (length($pending) >= 5) {
      my ($length, $kind) = unpack('NC', $pending);
      last if length($pending) < 5 + $length;
      my $body = substr($pending, 5, $length);
      substr($pending, 0, 5 + $length) = '';
      handle($kind, System::unpack_fields($body));
    }
  }
}
