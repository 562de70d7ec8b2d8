"""Measuring replayers and functions."""
import json
import time

import pytest
from conftest import add_event, event, needs_numpy, needs_torch, run_python

import evreplay
from evreplay import Measurement, Meter, Protocol, Statistics

QUICK = Protocol(stop="count", samples=20, seconds=2.0)


def test_protocol__text_and_back():
    one = Protocol(stop="count", samples=7, flush="write", flush_bytes=1 << 20, warmup="count", warmup_calls=3, fill="normal", seed=4)
    line = one.text()
    assert line.startswith("evreplay-protocol/1 stop=count") and "samples=7" in line and "flush=write" in line and "fill=normal" in line
    assert Protocol.parse(line).text() == line
    one.check_same(Protocol.parse(line))
    with pytest.raises(evreplay.Error, match="samples") as caught:
        one.check_same(Protocol(stop="count", samples=8))
    assert caught.value.code is evreplay.Status.INVALID


def test_protocol__presets():
    assert Protocol.preset("fixed").samples == 100 and Protocol.preset("nvbench").stop == "stdrel"
    assert Protocol.preset().text() == Protocol().text()
    with pytest.raises(ValueError, match="fixed"):
        Protocol.preset("slow")


def test_protocol__wrong_words_and_numbers():
    with pytest.raises(ValueError, match="stop must be one of precision, count"):
        Protocol(stop="never").text()
    with pytest.raises(evreplay.Error, match="precision"):
        Protocol(precision=-1.0).text()
    with pytest.raises(evreplay.Error) as caught:
        Protocol.parse("something else")
    assert caught.value.code is evreplay.Status.FORMAT


@pytest.mark.parametrize("name", ["stop", "warmup", "flush", "launch", "gate", "throttle"])
def test_protocol__words_are_the_numbers_of_the_header(name):
    """Each word is what the library itself writes for its number."""
    from evreplay.measuring import _WORDS

    more = {"gate": {}, "flush": {}}.get(name, {})
    for word in _WORDS[name][1:]:
        text = Protocol(**{name: word, **more}).text()
        assert f" {name}={word}" in text or (name, word) == ("flush", "read") and " flush=write-read" in text, text


def test_statistics__of_numbers():
    found = Statistics.of([3.0, 1.0, 2.0, 5.0, 4.0, 6.0, 7.0])
    assert (found.count, found.median, found.min, found.max, found.mean) == (7, 4.0, 1.0, 7.0, 4.0)
    assert found.median_low <= found.median <= found.median_high and not found.few
    assert Statistics.of([1.0, 2.0]).few
    with pytest.raises(evreplay.Error):
        Statistics.of([])
    with pytest.raises(evreplay.Error):
        Statistics.of([float("nan")])


@needs_numpy
def test_measure__a_function():
    """The times are those of the function, and the samples a view."""
    calls = []

    def sleep():
        calls.append(1)
        time.sleep(0.002)

    with Meter() as meter:
        assert meter.device.name and meter.harness_ns >= 0 and meter.backend_path == "" and "Meter" in repr(meter)
        found = meter.measure(sleep, Protocol(stop="count", samples=8, warmup="count", warmup_calls=2, launch="single"))
    assert found.statistics.count == 8 == len(found.samples) and len(calls) == found.conditions.calls
    assert 2e6 <= found.samples.min() and found.median_ns == found.statistics.median
    assert found.conditions.launch == "single" and found.protocol.samples == 8 and found.protocol.stop == "count"
    samples = found.samples
    with pytest.raises(ValueError):
        samples[0] = 1.0
    assert samples.ctypes.data == found.samples.ctypes.data
    kept = samples.copy()
    found.close()
    assert (samples == kept).all()
    with pytest.raises(evreplay.Error, match="closed"):
        found.statistics


def test_measure__prepare_runs_outside_of_the_time():
    prepared = []

    def slow():
        prepared.append(1)
        time.sleep(0.005)

    found = Meter().measure(lambda: None, Protocol(stop="count", samples=5, warmup="count", warmup_calls=1), prepare=slow)
    assert len(prepared) >= 5 and found.statistics.max < 4e6


def test_measure__what_the_function_raises():
    def fail():
        raise ValueError("no such head")

    with pytest.raises(evreplay.Error, match="no such head") as caught:
        evreplay.measure(fail)
    assert isinstance(caught.value.cause, ValueError)

    def interrupt():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        evreplay.measure(interrupt)


def test_measure__progress_is_told_and_can_stop():
    told = []
    evreplay.measure(lambda: time.sleep(0.001), Protocol(stop="count", samples=400), progress=lambda samples, part: told.append((samples, part)))
    assert told and told[-1][0] <= 400 and all(0 <= part <= 1 for _, part in told)

    def stop(samples, part):
        raise RuntimeError("enough")

    with pytest.raises(evreplay.Error) as caught:
        evreplay.measure(lambda: time.sleep(0.001), Protocol(stop="count", samples=3000), progress=stop)
    assert caught.value.code is evreplay.Status.CANCELLED and isinstance(caught.value.cause, RuntimeError)


def test_measurement__json_and_comparing():
    one = evreplay.measure(lambda: None, QUICK)
    made = json.loads(one.to_json(samples=True))
    assert made["statistics"]["count"] == 20 and len(made["samples"]) == 20
    assert "samples" not in json.loads(one.to_json()) or json.loads(one.to_json())["samples"] is None
    one.check_comparable(one)
    with pytest.raises(evreplay.Error, match="samples"):
        one.check_comparable(evreplay.measure(lambda: None, Protocol(stop="count", samples=10)))


def test_meter__no_such_backend():
    with pytest.raises(evreplay.Error) as caught:
        Meter("warp")
    assert caught.value.code is evreplay.Status.PLUGIN
    with pytest.raises(evreplay.Error):
        Meter("cpu", 7)
    meter = Meter()
    meter.close()
    with pytest.raises(evreplay.Error, match="closed"):
        meter.measure(lambda: None)


def test_meter__kernels_are_not_recorded_on_the_cpu():
    with pytest.raises(evreplay.Error) as caught:
        Meter().kernels(lambda: None)
    assert caught.value.code is evreplay.Status.UNSUPPORTED


@needs_torch
def test_measure__a_replayer(runtime, record):
    replayer = runtime.replayer(record(add_event()))
    found = evreplay.measure(replayer, QUICK)
    assert isinstance(found, Measurement) and found.statistics.count == 20 and found.median_ns > 0
    with Meter.of(runtime) as meter:
        assert meter.measure(replayer, QUICK).statistics.count == 20
        with pytest.raises(TypeError, match="run"):
            meter.measure(replayer, QUICK, prepare=lambda: None)
    replayer.close()
    with pytest.raises(evreplay.Error, match="closed"):
        evreplay.measure(replayer, QUICK)


@needs_torch
@needs_numpy
def test_measure__a_replayer_that_writes_is_put_back(runtime, record):
    """Every sample finds what the operator overwrites as it was: the last one leaves one step, not hundreds."""
    import numpy

    one = event("aten::add_", [[16], [16], []], ["float", "float", "Scalar"], [[1], [1], []], ["", "", "1"])
    replayer = runtime.replayer(record(one))
    before = numpy.from_dlpack(replayer.share("self")).copy()
    other = numpy.from_dlpack(replayer.share("other")).copy()
    evreplay.measure(replayer, QUICK)
    assert numpy.allclose(numpy.from_dlpack(replayer.share("self")), before + other)


@needs_torch
def test_measure__other_threads_run_meanwhile(runtime, record):
    import threading

    replayer = runtime.replayer(record(add_event(512, 512)))
    seen, done = [], threading.Event()

    def count():
        while not done.is_set():
            seen.append(1)
            time.sleep(0.001)

    other = threading.Thread(target=count)
    other.start()
    evreplay.measure(replayer, Protocol(stop="precision", min_seconds=0.3, seconds=1.0))
    done.set()
    other.join()
    assert len(seen) > 20


@needs_numpy
def test_measure__open_at_the_end():
    run_python(
        "import evreplay\n"
        "meter = evreplay.Meter()\n"
        "found = meter.measure(lambda: None, evreplay.Protocol(stop='count', samples=5))\n"
        "samples = found.samples"
    )


