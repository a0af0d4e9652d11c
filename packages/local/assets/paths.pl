# Users of the sandbox and how a path given by a caller is read for one of them.
package Paths;
use strict;
use warnings;

# name, uid, gid, home; undef for a user the sandbox does not know.
sub user {
  my ($name) = @_;
  open(my $file, '<', '/etc/passwd') or return undef;
  while (my $line = <$file>) {
    chomp $line;
    my @field = split /:/, $line;
    next unless @field >= 6 && $field[0] eq $name;
    return { name => $name, uid => $field[2] + 0, gid => $field[3] + 0, home => $field[5] };
  }
  return undef;
}

my (%user_names, %group_names);
sub user_name  { return $user_names{ $_[0] } //= getpwuid($_[0]) // "$_[0]" }
sub group_name { return $group_names{ $_[0] } //= getgrgid($_[0]) // "$_[0]" }

# Absolute, without "." and "..", "~" being the user's home. Symbolic links are left to the kernel, which cannot leave
# the sandbox's root.
sub resolve {
  my ($path, $home) = @_;
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
