# System calls no program in a sandbox has a use for, refused with EPERM: most holes in kernels were behind these.
package Seccomp;
use strict;
use warnings;
use POSIX ();

use constant { LOAD => 0x20, EQUAL => 0x15, ABOVE => 0x35, AND => 0x54, RETURN => 0x06 };
use constant { ALLOW => 0x7fff0000, REFUSE => 0x00050001, UNKNOWN => 0x00050026 };
# Every flag that makes a namespace; a new user namespace alone is allowed, for programs that bring their own "root".
use constant { NAMESPACES => 0x7e020080, NEW_USER => 0x10000000 };

my %refused = (
  x86_64 => [165, 166, 155, 308, 321, 250, 248, 249, 323, 298, 246, 320, 175, 313, 176, 304, 303, 428, 429, 430, 431, 432,
    433, 442, 167, 168, 169, 163, 179, 443, 310, 311, 159, 227, 305, 164, 172, 173, 153, 212, 139, 156, 134],
  aarch64 => [40, 39, 41, 268, 280, 219, 217, 218, 282, 241, 104, 294, 105, 273, 106, 265, 264, 428, 429, 430, 431, 432, 433,
    442, 224, 225, 142, 89, 60, 443, 270, 271, 171, 112, 266, 170, 58, 18],
);
my %special = (
  x86_64 => { architecture => 0xc000003e, unshare => 272, clone => 56 },
  aarch64 => { architecture => 0xc00000b7, unshare => 97, clone => 220 },
);
# clone3 hides its flags behind a pointer, and io_uring does calls no filter sees: programs fall back without them.
my @unknown = (435, 425, 426, 427);

my $program;

sub statement { my ($code, $true, $false, $value) = @_; return pack('SCCL', $code, $true, $false, $value) }

# Built once by the spawner. Empty on an architecture whose numbers are not known here.
sub program {
  return $program if defined $program;
  my $machine = System::machine();
  my $numbers = $special{$machine} or return $program = '';
  my @filter = (
    statement(LOAD, 0, 0, 4),
    statement(EQUAL, 1, 0, $numbers->{architecture}),
    statement(RETURN, 0, 0, REFUSE),
    statement(LOAD, 0, 0, 0),
    # The other calling convention of x86_64 has its own numbers for the same calls.
    statement(ABOVE, 0, 1, 0x40000000),
    statement(RETURN, 0, 0, REFUSE),
  );
  push @filter, statement(EQUAL, 0, 1, $_), statement(RETURN, 0, 0, REFUSE) for @{ $refused{$machine} };
  push @filter, statement(EQUAL, 0, 1, $_), statement(RETURN, 0, 0, UNKNOWN) for @unknown;
  push @filter,
    statement(EQUAL, 0, 4, $numbers->{unshare}),
    statement(LOAD, 0, 0, 16),
    statement(EQUAL, 0, 1, NEW_USER),
    statement(RETURN, 0, 0, ALLOW),
    statement(RETURN, 0, 0, REFUSE),
    statement(EQUAL, 0, 4, $numbers->{clone}),
    statement(LOAD, 0, 0, 16),
    statement(AND, 0, 0, NAMESPACES),
    statement(EQUAL, 1, 0, 0),
    statement(RETURN, 0, 0, REFUSE),
    statement(RETURN, 0, 0, ALLOW);
  return $program = join('', @filter);
}

# For the calling process and all it starts; there is no way back. Needs no_new_privs. Returns whether it took.
sub install {
  my $filter = program();
  return 0 if $filter eq '';
  my $header = pack('Sx6P', length($filter) / 8, $filter);
  return System::attempt('prctl', 22, 2, $header) == 0;
}

1;
