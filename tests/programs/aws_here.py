"""AWS on this machine, for tests: moto's server, in the environment that has the `aws` CLI and shellcheck too."""

import sys

from moto.server import main

main(sys.argv[1:])
