# Connections between the host and programs in the sandbox, both ways round.
package Sockets;
use strict;
use warnings;
use Socket ();

my $next_accepted = 0x80000000;

sub connect_port {
  my ($id, $port) = @_;
  my ($family, $address) = (Socket::AF_INET(), Socket::pack_sockaddr_in($port, Socket::INADDR_LOOPBACK()));
  socket(my $socket, $family, Socket::SOCK_STREAM(), 0) or return Streams::fail($id, 'resources', "socket: $!");
  if (!connect($socket, $address)) {
    close($socket);
    socket($socket, Socket::AF_INET6(), Socket::SOCK_STREAM(), 0) or return Streams::fail($id, 'refused', "$!");
    connect($socket, Socket::pack_sockaddr_in6($port, Socket::IN6ADDR_LOOPBACK()))
      or return Streams::fail($id, 'refused', "nothing listens on port $port");
  }
  Agent::send_frame(Agent::OPENED, $id, '');
  add_socket($id, $socket);
}

sub add_socket {
  my ($id, $socket) = @_;
  setsockopt($socket, Socket::IPPROTO_TCP(), Socket::TCP_NODELAY(), 1);
  my $stream = Streams::new_stream($id, socket => $socket, sink => $socket);
  Streams::add_output($stream, $socket, Agent::OUT);
}

sub ended {
  my ($stream) = @_;
  Agent::send_frame(Agent::ENDED, $stream->{id}, '');
}

# The host has done with a connection, or with the output of a command that goes on.
sub close_stream {
  my ($id) = @_;
  my $stream = Streams::find($id) or return;
  return unless $stream->{socket};
  Streams::forget($id);
  delete $stream->{sink};
  Agent::unwatch($stream->{socket});
  close($stream->{socket});
}

# Programs that honour the proxy variables reach the world through this port; the host decides what they may reach.
sub listen_egress {
  my ($port) = @_;
  socket(my $server, Socket::AF_INET(), Socket::SOCK_STREAM(), 0) or return;
  setsockopt($server, Socket::SOL_SOCKET(), Socket::SO_REUSEADDR(), 1);
  bind($server, Socket::pack_sockaddr_in($port, Socket::INADDR_LOOPBACK())) or return;
  listen($server, 512);
  Agent::nonblocking($server);
  Agent::watch($server, System::EPOLLIN, sub {
    accept(my $socket, $server) or return;
    my $id = $next_accepted++;
    $next_accepted = 0x80000000 if $next_accepted > 0xfffffff0;
    Agent::send_frame(Agent::ACCEPTED, $id, '');
    add_socket($id, $socket);
  });
}

1;
