#include "artifact/artifact.h"

const char evr_artifact_main[] = "import sys\n\nfrom replay import main\n\nsys.exit(main())\n";

const char evr_artifact_readme[] =
    "Operator calls of a PyTorch program, recorded so that they can be run again\n"
    "===========================================================================\n"
    "\n"
    "records.json   the calls: operator, overload, every argument; tensors as shape, strides and type. No contents: those are counted anew.\n"
    "manifest.json  where they come from, and what running them should give\n"
    "replay.py      runs them; needs Python 3.9 and torch, nothing else\n"
    "\n"
    "To run them, with X.zip being this file, not unpacked:\n"
    "\n"
    "  python3 X.zip                    on the device they come from, if there is one, else on the CPU; prints times beside those expected\n"
    "  python3 X.zip --device cpu --quick --json out.json\n"
    "  evreplay replay X.zip            with libevreplay\n"
    "\n"
    "Nothing is written but what --json names. `python3 X.zip --help` lists the options. Look at replay.py before you run it, as at any\n"
    "program you are sent; an artifact whose replay.py differs from that of the library can be run with `evreplay replay`, which never looks at it.\n"
    "Contents of tensors are the same bits on every machine. Times depend on the device: compare only where the protocol line agrees.\n";
