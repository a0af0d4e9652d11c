# Gives a running sandbox without commands a fresh top layer: what it has written so far can then be sealed, however much
# it is. Runs in a child of the spawner; the sandbox's agent holds back new commands meanwhile.
package Relayer;
use strict;
use warnings;

use constant { OPEN_TREE_CLONE => 1, CLOSE_ON_EXEC => 0x80000, EMPTY_PATH => 4, DETACH => 2 };

# Exit status 0: done; 1: nothing was changed; 2: the sandbox is broken and has to be ended.
sub run {
  my ($pid, $spec, $ranged, $range) = @_;
  my $pivoted = 0;
  my $done = eval {
    open(my $user, '<', "/proc/$pid/ns/user") or die "user namespace: $!\n";
    open(my $mounts, '<', "/proc/$pid/ns/mnt") or die "mount namespace: $!\n";
    my $tree = $range ? Ranges::translated_tree($range) : -1;
    System::call('setns', fileno($user), System::CLONE_NEWUSER);
    System::become(0, 0) if $ranged;
    System::call('unshare', System::CLONE_NEWNS);
    System::mount('none', '/', '', System::MS_REC | System::MS_PRIVATE, '');
    Ranges::enter($tree) if $tree >= 0;
    my ($root, $local) = map { detached($spec, $_) } qw(root local);
    System::call('setns', fileno($mounts), System::CLONE_NEWNS);
    $pivoted = 1;
    replace($spec, $root, $local);
    1;
  };
  return 0 if $done;
  print STDERR $@;
  return $pivoted ? 2 : 1;
}

sub detached {
  my ($spec, $part) = @_;
  Jail::mount_overlay($spec, $part, 'mnt', Jail::lower($spec, $part));
  my $path = 'mnt';
  my $tree = System::call('open_tree', System::AT_FDCWD, $path, OPEN_TREE_CLONE | CLOSE_ON_EXEC);
  System::call('umount2', $path, DETACH);
  return $tree;
}

sub attach {
  my ($tree, $target) = @_;
  my $empty = '';
  System::call('move_mount', $tree, $empty, System::AT_FDCWD, $target, EMPTY_PATH);
}

sub replace {
  my ($spec, $root, $local) = @_;
  my $new = '/mnt';
  attach($root, $new);
  my @kept = ((map { "/$_" } @{ $spec->{system} }), (map { $_->[1] } @{ $spec->{binds} }), '/proc', '/dev');
  System::mount($_, "$new$_", '', System::MS_MOVE, '') for @kept;
  my $shown = "$new/usr/local";
  System::call('umount2', $shown, DETACH);
  attach($local, $shown);
  Jail::hide($spec, $new, grep { m{^/usr/local/} } @{ $spec->{hidden} });
  chdir($new) or die "chdir: $!\n";
  System::call('pivot_root', '.', '.');
  System::call('umount2', '.', DETACH);
}

1;
