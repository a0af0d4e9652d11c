# Users of the sandbox and how a path given by a caller is read for one of them.
package Paths;
use strict;
use warnings;

# What a time stamp of whole seconds can tell apart; younger files are read again.
use constant SETTLED_SECONDS => 2;
my (%users, $users_version);

# name, uid, gid, home; undef for a user the sandbox does not know.
sub user {
  my ($name) = @_;
  my @stat = stat('/etc/passwd') or return undef;
  my $version = join(' ', @stat[0, 1, 7, 9, 10]);
  if (!defined $users_version || $version ne $users_version) {
    %users = map { $_->{name} => $_ } reverse read_users();
    $users_version = time() - $stat[10] > SETTLED_SECONDS ? $version : undef;
  }
  return $users{$name};
}

sub read_users {
  open(my $file, '<', '/etc/passwd') or return ();
  my @fields = grep { @$_ >= 6 } map { chomp; [split /:/] } <$file>;
  return map { { name => $_->[0], uid => $_->[2] + 0, gid => $_->[3] + 0, home => $_->[5] } } @fields;
}

my (%user_names, %group_names);
sub user_name  { return $user_names{ $_[0] } //= getpwuid($_[0]) // "$_[0]" }
sub group_name { return $group_names{ $_[0] } //= getgrgid($_[0]) // "$_[0]" }

# Absolute, without "." and "..", "~" being the user's home. Symbolic links are left to the kernel, which cannot leave
# the sandbox's root.
sub resolve {
  my ($path, $home) = @_;
  die "EINVAL the path has a zero byte\n" if index($path, "\0") >= 0;
  $path = $home if $path eq '' || $path eq '~';
  $path =~ s{^~/}{$home/};
  $path = "$home/$path" unless $path =~ m{^/};
  my @parts;
  for my $part (split m{/+}, $path) {
    next if $part eq '' || $part eq '.';
    if ($part eq '..') { pop @parts; next }
    push @parts, $part;
  }
  return '/' . join('/', @parts);
}

1;
