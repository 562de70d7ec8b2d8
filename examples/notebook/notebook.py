# %% [markdown]
# From a model to a replayed operator, cell by cell. Editors that know percent cells run it as a notebook; `python notebook.py` runs it as a script.

# %%
# region record
import tempfile

import torch
from torch.profiler import ProfilerActivity, profile

import evreplay

model = torch.nn.Sequential(torch.nn.Linear(32, 64), torch.nn.GELU(), torch.nn.Linear(64, 8))
path = tempfile.mkdtemp() + "/trace.json.gz"
with torch.no_grad(), profile(activities=[ProfilerActivity.CPU], record_shapes=True) as prof:
    model(torch.randn(16, 32))
prof.export_chrome_trace(path)
# endregion record

# %%
# region look
trace = evreplay.Trace.open(path)
for call in trace.calls():
    record = trace.record(call.uid)
    print(f"{record.op:24} {call.count} {record.status.name}")
# endregion look

# %%
# region replay
gelu = next(trace.record(call.uid) for call in trace.calls() if call.op == "aten::gelu")
runtime = evreplay.Runtime("cpu", seed=1)
replayer = runtime.replayer(gelu)
replayer.run()
result = replayer.results()[0]
expected = torch.nn.functional.gelu(replayer.args["self"])
print("the replay gives what torch gives:", torch.equal(result, expected))
# endregion replay

# %%
# region artifact
text = evreplay.write_records([gelu])  # a file for a bug report: no trace, no model, no weights
print("records read back:", [record.op for record in evreplay.read_records(text)])
# endregion artifact
