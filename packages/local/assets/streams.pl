# Commands and connections of a sandbox: one numbered stream each, with credit for every byte in flight.
package Streams;
use strict;
use warnings;
use POSIX ();

# A command that nobody waits for to write to is told of together with what it does first, or after so long: most are
# over by then, and telling of each thing apart would take the processor from them.
use constant { WINDOW => 131072, START_MS => 3 };
my (%streams, %by_pid);
my @untold;

sub new_stream {
  my ($id, %fields) = @_;
  return $streams{$id} = { id => $id, credit => WINDOW, input => '', outputs => {}, open => 0, %fields };
}

sub find { return $streams{ $_[0] } }
sub are_busy { return scalar %streams }
sub forget { return delete $streams{ $_[0] } }

sub fail {
  my ($id, $code, $message) = @_;
  delete $streams{$id};
  Agent::send_frame(Agent::FAILED, $id, System::pack_fields($code, $message));
}

# A child that waits for its order, as the stream it will be. Its output is watched already.
sub expect {
  my ($stream, $output, $error) = @_;
  %$stream = (%$stream, id => 0, credit => WINDOW, input => '', outputs => {}, open => 0);
  $by_pid{ $stream->{pid} } = $stream;
  add_output($stream, $output, Agent::OUT);
  add_output($stream, $error, Agent::ERR);
  return $stream;
}

# Fields: kind, user, cwd, terminal as "columns x rows" or empty, 1 when input stays open, number of arguments,
# arguments, then NAME=value pairs.
sub spawn {
  my ($id, $payload) = @_;
  my ($kind, $name, undef, $terminal, $with_input) = unpack('(N/a*)5', $payload);
  my $user = Paths::user($name) or return fail($id, 'user', "there is no user \"$name\" in this sandbox");
  my ($master, $slave, $path) = $terminal eq '' ? (undef, undef, '') : Terminal::open_pair($terminal);
  return fail($id, 'terminal', "no terminal: $!") if $terminal ne '' && !$master;
  my $identity = System::pack_fields(@$user{qw(name uid gid home)});
  my $stream = Launch::start(System::pack_fields($identity, $path) . $payload)
    or return fail($id, 'resources', "fork: $!");
  $stream->{id} = $id;
  $streams{$id} = $stream;
  if ($master) {
    # The terminal stays open here until the command has it.
    @$stream{qw(terminal slave)} = ($master, $slave);
    Agent::discard(delete $stream->{stdin});
  } elsif (!$with_input) {
    Agent::discard(delete $stream->{stdin});
  }
  if ($kind eq 'exec' && !$master && !$with_input) { push @untold, [System::now_ms() + START_MS, $stream] }
  else { watch_start($stream) }
}

sub watch_start {
  my ($stream) = @_;
  Agent::watch($stream->{notice}, System::EPOLLIN, sub { started($stream) });
}

# How long it is until a start has to be told of; negative when there is none.
sub telling_ms {
  shift @untold while @untold && !$untold[0][1]{notice};
  return -1 unless @untold;
  my $left = $untold[0][0] - System::now_ms();
  return $left > 0 ? POSIX::ceil($left) : 0;
}

sub tell_starts {
  my $now = System::now_ms();
  while (@untold && $untold[0][0] <= $now) {
    my $stream = (shift @untold)->[1];
    watch_start($stream) if $stream->{notice};
  }
}

# Before anything else is told of a command it is told that it runs.
sub started {
  my ($stream) = @_;
  return if $stream->{started} || !$stream->{id};
  my $count = sysread($stream->{notice}, my $failure, 4096);
  return unless defined $count;
  Agent::discard(delete $stream->{notice});
  delete $stream->{slave};
  if ($count) {
    delete $by_pid{ $stream->{pid} };
    drop_output($stream, $_) for keys %{ $stream->{outputs} };
    return fail($stream->{id}, $failure =~ /^cwd/ ? 'cwd' : 'exec', $failure);
  }
  $stream->{started} = 1;
  Agent::send_frame(Agent::STARTED, $stream->{id}, pack('N', $stream->{pid}));
  if (my $master = $stream->{terminal}) {
    drop_output($stream, $_) for keys %{ $stream->{outputs} };
    $stream->{sink} = Agent::nonblocking($master);
    add_output($stream, $master, Agent::OUT);
  } else {
    $stream->{sink} = delete $stream->{stdin};
  }
}

# A child that waits no more and was not used.
sub dismiss {
  my ($stream) = @_;
  delete $by_pid{ $stream->{pid} };
  Agent::discard(delete $stream->{notice}) if $stream->{notice};
  drop_output($stream, $_) for keys %{ $stream->{outputs} };
}

sub drop_output {
  my ($stream, $kind) = @_;
  my $handle = delete $stream->{outputs}{$kind} or return;
  Agent::discard($handle);
  $stream->{open}--;
}

sub add_output {
  my ($stream, $handle, $kind) = @_;
  Agent::nonblocking($handle);
  $stream->{open}++;
  $stream->{outputs}{$kind} = $handle;
  refresh($stream);
}

# What is watched follows from the stream's state alone. A terminal and a socket are one descriptor for both ways.
sub refresh {
  my ($stream) = @_;
  my (%masks, %handles, %kinds);
  for my $kind (keys %{ $stream->{outputs} }) {
    my $handle = $stream->{outputs}{$kind};
    $handles{ fileno $handle } = $handle;
    $kinds{ fileno $handle } = $kind;
    $masks{ fileno $handle } |= $stream->{credit} > 0 ? System::EPOLLIN : 0;
  }
  if (my $sink = $stream->{sink}) {
    $handles{ fileno $sink } = $sink;
    $masks{ fileno $sink } |= length $stream->{input} ? System::EPOLLOUT : 0;
  }
  for my $descriptor (keys %masks) {
    my ($handle, $wanted, $kind) = ($handles{$descriptor}, $masks{$descriptor}, $kinds{$descriptor});
    if (!$wanted) { Agent::unwatch($handle); next }
    Agent::watch($handle, $wanted, sub {
      my ($mask) = @_;
      write_input($stream) if $wanted & System::EPOLLOUT && $mask & ~System::EPOLLIN;
      read_output($stream, $handle, $kind) if $wanted & System::EPOLLIN && $mask & ~System::EPOLLOUT;
    });
  }
}

sub read_output {
  my ($stream, $handle, $kind) = @_;
  my $size = $stream->{terminal} ? 16384 : 32768;
  $size = $stream->{credit} if $stream->{credit} < $size;
  # What was watched for a child that waited is not what its terminal says.
  return if $size <= 0 || ($stream->{outputs}{$kind} // 0) != $handle;
  my $count = sysread($handle, my $data, $size);
  if ($count) {
    # A command that prints runs, so that this cannot find its notice pipe open.
    started($stream) if $stream->{notice};
    return unless $stream->{socket} || $stream->{started};
    $stream->{credit} -= $count;
    Agent::send_frame($kind, $stream->{id}, $data);
    refresh($stream) if $stream->{credit} <= 0;
    return;
  }
  return if !defined $count && ($!{EAGAIN} || $!{EINTR});
  if ($stream->{socket} || $stream->{terminal}) { Agent::unwatch($handle) }
  else { Agent::discard($handle) }
  delete $stream->{outputs}{$kind};
  $stream->{open}--;
  refresh($stream) if $stream->{socket} || $stream->{terminal};
  $stream->{socket} ? Sockets::ended($stream) : finish($stream);
}

sub credit {
  my ($id, $amount) = @_;
  my $stream = $streams{$id} or return;
  my $starved = $stream->{credit} <= 0;
  $stream->{credit} += $amount;
  return unless $starved && $stream->{credit} > 0;
  refresh($stream);
}

# A command has ended when it was reaped and nobody holds its output any more.
sub finish {
  my ($stream) = @_;
  return if $stream->{open} > 0 || !$stream->{started} || !defined $stream->{status};
  delete $streams{ $stream->{id} };
  release_sink($stream);
  Agent::send_frame(Agent::EXIT, $stream->{id}, pack('N', $stream->{status}));
}

sub exited {
  my ($pid, $status) = @_;
  my $stream = delete $by_pid{$pid} or return;
  if (!$stream->{id}) {
    Launch::lost($pid);
    return dismiss($stream);
  }
  started($stream) if $stream->{notice};
  $stream->{status} = $status;
  # A terminal can be held open by whoever is left; its session ended with its leader.
  if ($stream->{terminal} && $stream->{outputs}{ Agent::OUT() }) {
    1 while $stream->{credit} > 0 && defined($stream->{outputs}{ Agent::OUT() })
      && drain_terminal($stream);
    my $handle = delete $stream->{outputs}{ Agent::OUT() };
    Agent::unwatch($handle) if $handle;
    $stream->{open} = 0;
  }
  finish($stream);
}

sub drain_terminal {
  my ($stream) = @_;
  my $count = sysread($stream->{terminal}, my $data, 16384);
  return 0 unless $count;
  Agent::send_frame(Agent::OUT, $stream->{id}, $data);
  return 1;
}

sub data {
  my ($id, $payload) = @_;
  my $stream = $streams{$id};
  return unless $stream;
  if (!$stream->{sink}) {
    Agent::send_frame(Agent::DRAINED, $id, pack('N', length $payload));
    return;
  }
  $stream->{input} .= $payload;
  write_input($stream);
}

sub write_input {
  my ($stream) = @_;
  my $sink = $stream->{sink} or return;
  while (length $stream->{input}) {
    my $written = syswrite($sink, $stream->{input}, 65536);
    if (!defined $written) {
      next if $!{EINTR};
      return refresh($stream) if $!{EAGAIN};
      Agent::send_frame(Agent::DRAINED, $stream->{id}, pack('N', length $stream->{input}));
      $stream->{input} = '';
      release_sink($stream) unless $stream->{terminal} || $stream->{socket};
      return;
    }
    substr($stream->{input}, 0, $written) = '';
    Agent::send_frame(Agent::DRAINED, $stream->{id}, pack('N', $written));
  }
  refresh($stream);
  close_input($stream) if $stream->{ending};
}

sub end_input {
  my ($id) = @_;
  my $stream = $streams{$id} or return;
  $stream->{ending} = 1;
  close_input($stream) unless length $stream->{input};
}

sub close_input {
  my ($stream) = @_;
  if ($stream->{terminal}) { syswrite($stream->{terminal}, "\x04") }
  elsif ($stream->{socket}) { shutdown($stream->{socket}, 1) }
  else { release_sink($stream) }
}

sub release_sink {
  my ($stream) = @_;
  my $sink = delete $stream->{sink} or return;
  Agent::unwatch($sink);
  close($sink);
}

sub signal {
  my ($id, $number) = @_;
  my $stream = $streams{$id} or return;
  kill($number, $stream->{pid}) if $stream->{pid} && !defined $stream->{status};
}

sub resize {
  my ($id, $columns, $rows) = @_;
  my $stream = $streams{$id};
  Terminal::set_size($stream->{terminal}, $columns, $rows) if $stream && $stream->{terminal};
}

1;
