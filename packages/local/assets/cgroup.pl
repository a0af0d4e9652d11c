# Control groups of a sandbox, of either version: what it may use of memory, processor time and processes, and a switch to
# stop it. Only root can make them.
package Cgroup;
use strict;
use warnings;

my $version = 0;
my %roots;
my $group = '';

# Finds out what there is; returns why a sandbox cannot be limited here, or nothing.
sub open_groups {
  my ($name) = @_;
  $group = $name;
  open(my $mounts, '<', '/proc/mounts') or return 'the mounts cannot be read';
  while (my $line = <$mounts>) {
    my (undef, $path, $type, $options) = split / /, $line;
    if ($type eq 'cgroup2') { $roots{unified} = $path }
    elsif ($type eq 'cgroup') {
      for my $controller (split /,/, $options) {
        $roots{$controller} = $path if $controller =~ /^(memory|cpu|pids|freezer)$/;
      }
    }
  }
  remove_stale($_) for values %roots;
  return open_second() if $roots{unified} && controllers($roots{unified}) =~ /\bmemory\b/;
  my @missing = grep { !$roots{$_} } qw(memory cpu pids freezer);
  return "there is no control group for @missing" if @missing;
  $version = 1;
  for my $controller (qw(memory cpu pids freezer)) {
    mkdir("$roots{$controller}/$group", 0755) or return "a control group cannot be made: $!";
  }
  return '';
}

# Groups of hosts that were killed, and whose sandboxes ended by themselves. A group that is in use cannot be removed.
sub remove_stale {
  my ($root) = @_;
  for my $path (glob("$root/pilotlight-local-*")) {
    my ($pid) = $path =~ /-(\d+)-[0-9a-f]{6}$/ or next;
    next if -d "/proc/$pid";
    rmdir($_) for glob("$path/*/"), $path;
  }
}

sub open_second {
  my $root = $roots{unified};
  mkdir("$root/$group", 0755) or return "a control group cannot be made: $!";
  for my $path ($root, "$root/$group") {
    eval { System::write_file("$path/cgroup.subtree_control", '+memory +cpu +pids'); 1 } or return "controllers: $@";
  }
  $version = 2;
  return '';
}

sub controllers {
  my ($root) = @_;
  open(my $file, '<', "$root/cgroup.controllers") or return '';
  return <$file> // '';
}

sub paths {
  my ($id) = @_;
  return $version == 2 ? "$roots{unified}/$group/$id" : map { "$roots{$_}/$group/$id" } qw(memory cpu pids freezer);
}

sub path { my ($id, $controller) = @_; return ($version == 2 ? $roots{unified} : $roots{$controller}) . "/$group/$id" }

# Makes the groups of a sandbox; the answer is what the sandbox's first process needs to join them.
sub make {
  my ($id, $limits) = @_;
  mkdir($_, 0755) or die "control group $_: $!\n" for paths($id);
  my $quota = int($limits->{cpus} * 100000);
  if ($version == 2) {
    System::write_file(path($id) . '/memory.max', $limits->{memory});
    eval { System::write_file(path($id) . '/memory.swap.max', 0) };
    System::write_file(path($id) . '/cpu.max', "$quota 100000");
    System::write_file(path($id) . '/pids.max', $limits->{processes});
  } else {
    System::write_file(path($id, 'memory') . '/memory.limit_in_bytes', $limits->{memory});
    System::write_file(path($id, 'cpu') . '/cpu.cfs_period_us', 100000);
    System::write_file(path($id, 'cpu') . '/cpu.cfs_quota_us', $quota);
    System::write_file(path($id, 'pids') . '/pids.max', $limits->{processes});
  }
  return map { open(my $file, '>', "$_/cgroup.procs") or die "control group $_: $!\n"; $file } paths($id);
}

# The calling process and all it will start are limited from here on. The kernel waits for up to 15 ms until no fork is
# under way, which is why a sandbox does that for itself; it looks at the rights of who has opened the files.
sub join_groups {
  for my $file (@_) {
    syswrite($file, 0) or die "control group: $!\n";
    close($file);
  }
}

# Returns when the sandbox stands still, or runs again.
sub set_frozen {
  my ($id, $frozen) = @_;
  if ($version == 2) {
    System::write_file(path($id) . '/cgroup.freeze', $frozen ? 1 : 0);
    wait_for(path($id) . '/cgroup.events', $frozen ? qr/frozen 1/ : qr/frozen 0/);
  } else {
    my $state = path($id, 'freezer') . '/freezer.state';
    System::write_file($state, $frozen ? 'FROZEN' : 'THAWED');
    wait_for($state, $frozen ? qr/FROZEN/ : qr/THAWED/);
  }
}

sub wait_for {
  my ($path, $pattern) = @_;
  for (1 .. 500) {
    open(my $file, '<', $path) or return;
    my $text = join('', <$file>);
    return if $text =~ $pattern;
    select(undef, undef, undef, 0.001);
  }
  die "$path did not change in time\n";
}

sub remove { my ($id) = @_; rmdir($_) for paths($id) }

sub close_groups {
  return unless $version;
  rmdir($_) for map { my $path = $_; glob("$path/*/") } group_paths();
  rmdir($_) for group_paths();
  $version = 0;
}

sub group_paths {
  return $version == 2 ? "$roots{unified}/$group" : map { "$roots{$_}/$group" } qw(memory cpu pids freezer);
}

1;
