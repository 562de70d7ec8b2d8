"""TraceLens' way to replay an event, on evreplay: the import is what changes."""
# region replay
import json

from evreplay import EventReplayer

event = {
    "name": "aten::mm",
    "args": {
        "Input Dims": [[16, 32], [32, 8]],
        "Input type": ["float", "float"],
        "Input Strides": [[32, 1], [8, 1]],
        "Concrete Inputs": ["", ""],
    },
}
replayer = EventReplayer(event, device="cpu")
replayer.replay()
info = replayer.get_repro_info()
# endregion replay
print(info["op_name"], len(json.dumps(info)) > 0)
