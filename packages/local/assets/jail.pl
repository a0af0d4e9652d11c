# The view a sandbox has of the machine: one process in new namespaces that builds its root and never sees the host's again.
package Jail;
use strict;
use warnings;

# Runs in the new process, as its namespaces' first. Paths are relative to the instance directory, the current one, or to
# its translated tree.
sub build {
  my ($spec, $tree) = @_;
  my $flags = System::MS_NOSUID | System::MS_NODEV;
  System::mount('none', '/', '', System::MS_REC | System::MS_PRIVATE, '');
  Ranges::enter($tree) if $tree >= 0;
  mount_overlay($spec, 'root', 'mnt', lower($spec, 'root'));
  for my $directory (@{ $spec->{system} }) {
    System::bind_read_only("/$directory", "mnt/$directory");
  }
  mount_overlay($spec, 'local', 'mnt/usr/local', lower($spec, 'local'));
  System::bind_read_only($_->[0], "mnt$_->[1]") for @{ $spec->{binds} };
  hide($spec, 'mnt', @{ $spec->{hidden} });
  System::mount('proc', 'mnt/proc', 'proc', $flags | System::MS_NOEXEC, '');
  build_devices($flags);
  System::write_file('mnt/dev/.boot_id', "$spec->{boot}\n");
  System::mount('mnt/dev/.boot_id', 'mnt/proc/sys/kernel/random/boot_id', '', System::MS_BIND, '');
  my @stages = map { stage_volume($_->[0]) } @{ $spec->{volumes} };
  chdir('mnt') or die "chdir: $!\n";
  System::call('pivot_root', '.', '.');
  System::call('umount2', '.', 2);
  chdir('/') or die "chdir: $!\n";
  my $name = $spec->{hostname};
  System::call('sethostname', $name, length $name);
  System::loopback_up();
  show_volume($_->[1], shift @stages) for @{ $spec->{volumes} };
}

# A volume is made visible in two steps: to a directory that is surely new while the host's files can still be seen, and
# to its place when they cannot, so that no link in a sandbox's files leads to the host.
my $staged = 0;
sub stage_volume {
  my ($source) = @_;
  my $stage = '/.volume-' . $staged++ . "-$$-" . int(rand(1 << 30));
  mkdir("mnt$stage", 0700) or die "mkdir $stage: $!\n";
  System::mount($source, "mnt$stage", '', System::MS_BIND | System::MS_REC, '');
  return $stage;
}

sub show_volume {
  my ($target, $stage) = @_;
  my $so_far = '';
  for my $part (grep { length } split m{/}, $target) {
    $so_far .= "/$part";
    mkdir($so_far, 0755) or -d $so_far or die "mkdir $so_far: $!\n";
  }
  System::mount($stage, $target, '', System::MS_MOVE, '');
  rmdir($stage);
}

# The sandbox's own directory of this generation: each seal of a running sandbox begins a new one.
sub home { my ($spec) = @_; return "sandboxes/$spec->{id}/g$spec->{generation}" }

sub lower {
  my ($spec, $part) = @_;
  my @directories = map { "layers/$_/$part" } @{ $spec->{layers} };
  push @directories, '/usr/local' if $part eq 'local' && -d '/usr/local';
  return join(':', @directories);
}

sub hide {
  my ($spec, $root, @paths) = @_;
  my $flags = System::MS_NOSUID | System::MS_NODEV | System::MS_RDONLY;
  System::mount('tmpfs', "$root$_", 'tmpfs', $flags, 'mode=755,size=4k') for @paths;
}

sub mount_overlay {
  my ($spec, $part, $target, $lower) = @_;
  my $home = home($spec);
  my $options = "lowerdir=$lower,upperdir=$home/$part,workdir=$home/$part-work,userxattr,volatile";
  System::mount('overlay', $target, 'overlay', System::MS_NOSUID | System::MS_NODEV, $options);
}

sub build_devices {
  my ($flags) = @_;
  System::mount('tmpfs', 'mnt/dev', 'tmpfs', System::MS_NOSUID | System::MS_NOEXEC, 'mode=755,size=64k');
  for my $device (qw(null zero full random urandom tty)) {
    open(my $file, '>', "mnt/dev/$device") or die "device $device: $!\n";
    close($file);
    System::mount("/dev/$device", "mnt/dev/$device", '', System::MS_BIND, '');
  }
  mkdir("mnt/dev/$_", 0755) for qw(pts shm);
  System::mount('devpts', 'mnt/dev/pts', 'devpts', System::MS_NOSUID | System::MS_NOEXEC,
    'newinstance,ptmxmode=0666,mode=620');
  System::mount('tmpfs', 'mnt/dev/shm', 'tmpfs', $flags, 'mode=1777,size=256m');
  symlink('pts/ptmx', 'mnt/dev/ptmx');
  symlink('/proc/self/fd', 'mnt/dev/fd');
  symlink("/proc/self/fd/$_->[0]", "mnt/dev/$_->[1]") for [0, 'stdin'], [1, 'stdout'], [2, 'stderr'];
}

# What every process of the sandbox inherits and none can take back.
sub restrict {
  my ($spec) = @_;
  System::prctl(38, 1);                                        # no_new_privs
  System::prctl(1, 9);                                         # dies with the spawner
  System::limit(4, 0, 0);                                      # no core files
  System::limit(6, $spec->{processes}, $spec->{processes}) if $spec->{processes};
  System::limit(7, 1024, 65536);
}

1;
