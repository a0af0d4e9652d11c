# Host user ids of sandboxes: a range for each, none of them the one that files carry on disk. A sandbox sees its files
# through a mount that translates between the two, so that layers can be shared and sandboxes have no user in common.
package Ranges;
use strict;
use warnings;
use POSIX ();

use constant { DISK => 100000, SIZE => 65536, MOST => 60000 };
use constant { OPEN_TREE_CLONE => 1, CLOSE_ON_EXEC => 0x80000, EMPTY_PATH => 0x1000, MOVE_EMPTY_PATH => 4 };
use constant { NO_SET_UID => 2, NO_DEVICES => 4, TRANSLATE => 0x100000 };

my (@free, %translations);
my $next = 1;

# The number of a range that no living sandbox has.
sub take {
  return shift @free if @free;
  die "there are no user ids left for another sandbox\n" if $next > MOST;
  return $next++;
}

sub give_back { my ($range) = @_; push @free, $range if $range }

# Range 0 is what files carry on disk; sandboxes that share it need no translation.
sub first_id { my ($range) = @_; return DISK + SIZE * $range }

# The instance directory as the sandbox of this range sees it: a mount that is nowhere yet.
sub translated_tree {
  my ($range) = @_;
  my ($here, $empty) = ('.', '');
  my $tree = System::call('open_tree', System::AT_FDCWD, $here, OPEN_TREE_CLONE | CLOSE_ON_EXEC);
  $translations{$range} //= translation($range);
  my $attributes = pack('QQQQ', NO_SET_UID | NO_DEVICES | TRANSLATE, 0, System::MS_PRIVATE, fileno($translations{$range}));
  my $result = System::attempt('mount_setattr', $tree, $empty, EMPTY_PATH, $attributes, length $attributes);
  return $tree if $result != -1;
  my $reason = "mount_setattr: $!\n";
  POSIX::close($tree);
  die $reason;
}

# The kernel takes the table from a user namespace, which lives on in its descriptor without any process.
sub translation {
  my ($range) = @_;
  pipe(my $read, my $write) or die "pipe: $!\n";
  my $pid = System::call('clone', System::CLONE_NEWUSER | POSIX::SIGCHLD(), 0, 0, 0, 0);
  if ($pid == 0) {
    close($write);
    sysread($read, my $end, 1);
    POSIX::_exit(0);
  }
  my $table = join(' ', DISK, first_id($range), SIZE);
  System::write_file("/proc/$pid/$_", $table) for qw(uid_map gid_map);
  open(my $namespace, '<', "/proc/$pid/ns/user") or die "user namespace: $!\n";
  return $namespace;
}

# A sandbox has no business with the tables of others.
sub forget { %translations = () }

# From here on relative paths are those of the translated tree.
sub enter {
  my ($tree) = @_;
  my ($empty, $target) = ('', 'view');
  System::call('move_mount', $tree, $empty, System::AT_FDCWD, $target, MOVE_EMPTY_PATH);
  chdir('view') or die "chdir view: $!\n";
}

1;
