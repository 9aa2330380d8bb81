"""`python -m crypitor`, and the command `crypitor`."""

import signal

if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    # Until the commands are imported nobody can end cleanly: it dies at once, without a traceback.
    signal.signal(signal.SIGINT, signal.SIG_DFL)

from crypitor.cli import main

if __name__ == "__main__":
    main()
