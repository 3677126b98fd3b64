"""The package's tests: for pytest, or alone, when it ends with "N passed, N failed"; words after it
choose tests by their names.

SGM_WITHOUT names packages that are to count as not installed. SGM_SAME_BITS names the program made
of same_bits.c, SGM_COMMAND the command sgm; without them, or without pandas or joblib, what needs
them is skipped, and said so.
"""

import copy
import ctypes
import math
import os
import pickle
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import tracemalloc
import warnings
from pathlib import Path

import numpy as np

for name in os.environ.get("SGM_WITHOUT", "").split():
    sys.modules[name] = None  # an import of it fails

import sgm
from sgm import _api, _columns, _fitted, _library

try:
    import pandas as pd
except ImportError:
    pd = None

SMALL = dict(quality="fast", steps=60, width=16, depth=2, members=1)


class Skip(Exception):
    """Something that a test needs is not here."""


def skip(why):
    if "PYTEST_CURRENT_TEST" in os.environ:
        import pytest
        pytest.skip(why)
    raise Skip(why)


def raises(kind, words, call, *args, **kwargs):
    """The exception has the kind, and its message the words."""
    try:
        call(*args, **kwargs)
    except kind as error:
        assert words in str(error), f"{words!r} is not in {error!s:.300}"
        return error
    raise AssertionError(f"{call} raised nothing")


def rows(n=60, d=3, key=0):
    return np.random.default_rng(key).normal(size=(n, d)) @ np.triu(np.ones((d, d)))


_made = {}


def small():
    """One small model for the tests that only ask."""
    if "array" not in _made:
        _made["array"] = sgm.SGM(random_state=5, **SMALL).fit(rows())
    return _made["array"]


def frame():
    """Every kind of column that is taken, with values that are not known."""
    if pd is None:
        skip("no pandas")
    r = np.random.default_rng(1)
    n = 60
    color = r.choice(["red", "green", "blue"], n).astype(object)
    color[3] = None
    size = pd.Categorical(r.choice(["S", "M", "L"], n), ["S", "M", "L", "XL"], ordered=True)
    count = pd.array(r.poisson(3, n), dtype="Int64")
    count[5] = pd.NA
    return pd.DataFrame({
        "height": r.normal(170, 9, n), "weight": r.normal(70, 9, n).astype(np.float32),
        "age": r.integers(0, 99, n, dtype=np.uint8), "count": count, "color": color, "size": size,
        "smokes": r.random(n) < .3, "city": pd.array(r.choice(["Ulm", "Ghent"], n), dtype="string"),
    }, index=range(100, 100 + n))


def framed():
    if "frame" not in _made:
        _made["frame"] = sgm.SGM(random_state=5, **SMALL).fit(frame())
    return _made["frame"]


# Numbers go to C and back


def test_no_copy():
    """C reads the doubles where they lie; measured by address, and by memory."""
    seen, kept = [], _fitted.call

    def spy(name, *arguments):
        if name == "sgm_fit":
            seen.append(arguments[1]._obj.x)
        kept(name, *arguments)

    X = rows()
    _fitted.call = spy
    try:
        sgm.SGM(random_state=1, **SMALL).fit(X)
    finally:
        _fitted.call = kept
    assert seen == [X.ctypes.data]
    columns, x = _columns.Columns.learn(X)
    assert x is X and columns.encode(X) is X

    def peak(array):
        tracemalloc.start()
        _columns.Columns.learn(array)[0].encode(array)
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    big = np.zeros((20000, 20))
    assert peak(big) < big.nbytes / 10
    assert peak(np.asfortranarray(big)) > big.nbytes  # what a copy would look like


def test_read_only_and_other_arrays():
    """Whatever holds the same numbers gives the same bits, and stays as it is."""
    X = rows().astype(np.float32).astype(np.float64)
    same = [X, np.asfortranarray(X), X.astype(np.float32), X.tolist(), np.repeat(X, 2, axis=0)[::2],
            X.astype(object)]
    X.setflags(write=False)
    first = sgm.SGM(random_state=2, **SMALL).fit(X).sample(5, 3)
    for other in same[1:]:
        assert np.array_equal(sgm.SGM(random_state=2, **SMALL).fit(other).sample(5, 3), first)


def test_bits_of_c():
    """Fit, file and all answers are those of a C program with the same keys."""
    program = os.environ.get("SGM_SAME_BITS")
    if not program:
        skip("no SGM_SAME_BITS")
    X, model = rows(), small()
    n, d = X.shape
    with tempfile.TemporaryDirectory() as folder:
        path = [str(Path(folder, name)) for name in ("in", "c.st", "out", "py.st")]
        X.tofile(path[0])
        subprocess.run([program, str(n), str(d), *path[:3]], check=True)
        said = np.fromfile(path[2])
        model.save(path[3])
        assert Path(path[1]).read_bytes() == Path(path[3]).read_bytes()
        opened = sgm.SGM.open(path[1])
    gaps = X.copy()
    gaps[np.arange(n), np.arange(n) % d] = np.nan
    for m in (model, opened):
        given = m.conditional(gaps[0], n, return_info=True, random_state=8)
        answers = [m.sample(n, random_state=7), m.score_samples(X), *m.anomaly(X), given.rows,
                   given.weight, np.array([given.log_evidence, given.evidence_se]),
                   *m.impute(gaps, "mean", return_std=True, random_state=9),
                   np.array([m.memorisation(gaps, 50)])]
        assert all(type(a) is np.ndarray for a in answers)
        assert np.array_equal(np.concatenate([a.ravel() for a in answers]), said)
    assert not np.array_equal(said[:n * d], model.sample(n, random_state=8).ravel())


def test_bits_of_the_command():
    """`sgm fit` of a CSV file and `sgm sample` say what Python says of the same rows."""
    command, options = os.environ.get("SGM_COMMAND"), dict(quality="fast", steps=60)
    if not command:
        skip("no SGM_COMMAND")
    with tempfile.TemporaryDirectory() as folder:
        csv, path, out, said = (str(Path(folder, name)) for name in
                                ("in.csv", "m.safetensors", "out.npy", "logp.csv"))

        def ask(*words):
            subprocess.run([command, *words, "--force", "-q"], check=True)

        tables = [rows()]
        np.savetxt(csv, tables[0], fmt="%.17g", delimiter=",", header="a,b,c", comments="")
        if pd is not None:
            tables.append(frame()[["height", "age", "color", "city"]])
        for X in tables:
            if X is not tables[0]:
                X.to_csv(csv, index=False)
            ask("fit", csv, "--quality", "fast", "--steps", "60", "--seed", "5", "-o", path)
            model, opened = sgm.SGM(random_state=5, **options).fit(X), sgm.SGM.open(path)
            ask("sample", path, "-n", "20", "--seed", "7", "-o", out)
            for m in (model, opened):
                made = m.sample(20, random_state=7)
                assert np.array_equal(m._columns.encode(made), np.load(out))
            ask("logp", path, csv, "--seed", "7", "--digits", "17", "-o", said)
            logp = np.loadtxt(said, delimiter=",", skiprows=2)[:, 0]
            assert np.array_equal(model.score_samples(X, random_state=7), logp)


def test_a_row_is_a_row():
    """A log density does not depend on what is asked along with it."""
    X = rows(20, key=4)
    whole = small().score_samples(X)
    assert np.allclose(whole[::-1], small().score_samples(X[::-1]), atol=1e-9)
    assert np.allclose(whole[3:4], small().score_samples(X[3:4]), atol=1e-9)
    assert math.isclose(small().score(X), whole.mean())


# Tables


def test_frame_keeps_its_types():
    data, made = frame(), framed().sample(40, random_state=1)
    assert list(made.columns) == list(data.columns) and (made.dtypes == data.dtypes).all()
    assert set(made["color"]) <= {"red", "green", "blue"} and set(made["city"]) <= {"Ulm", "Ghent"}
    assert made.notna().all().all()
    assert made["size"].cat.categories.tolist() == ["S", "M", "L", "XL"]
    assert made["count"].between(0, 50).all() and made["height"].between(50, 300).all()


def test_frame_order_and_names():
    data, model = frame(), framed()
    assert list(model.feature_names_in_) == list(data.columns) and model.n_features_in_ == 8
    raises(ValueError, "same order", model.score_samples, data[data.columns[::-1]])
    raises(ValueError, "unseen at fit time", model.score_samples, data.rename(columns={"age": "x"}))
    raises(ValueError, "'pink' was not among its levels", model.score_samples,
           data.assign(color="pink"))
    raises(TypeError, "datetime64", sgm.SGM(**SMALL).fit,
           pd.DataFrame({"when": pd.date_range("2020-01-01", periods=9), "x": range(9)}))
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        model.score_samples(np.zeros((1, 8)))
    assert "does not have valid feature names" in str(said[0].message)


def test_levels_are_known_by_what_they_are():
    """The same words in a column of another type, or numbers of another, are the same rows."""
    data, model = frame(), framed()
    logp = model.score_samples(data)
    other = data.assign(color=pd.Categorical(data["color"], categories=["red", "blue", "green"]),
                        city=data["city"].astype(object), age=data["age"].astype(float))
    assert np.array_equal(model.score_samples(other), logp)


def test_impute():
    X, model = rows(20, key=6), small()
    X[np.random.default_rng(7).random(X.shape) < .2] = np.nan
    before = X.copy()
    out, std = model.impute(X, how="mean", return_std=True, random_state=1)
    known = ~np.isnan(X)
    assert np.array_equal(X, before, equal_nan=True) and np.array_equal(out[known], X[known])
    assert np.isfinite(out).all() and (std[known] == 0).all() and (std[~known] > 0).all()
    draws = [model.impute(X, random_state=k) for k in (1, 1, 2)]
    assert np.array_equal(draws[0], draws[1]) and not np.array_equal(draws[0], draws[2])
    raises(ValueError, "how=", model.impute, X, how="guess")
    whole = rows(5)
    assert np.array_equal(model.impute(whole), whole)


def test_impute_a_frame():
    data, model = frame(), framed()
    data.iloc[7, 0] = np.nan
    before = data.copy()
    done = model.impute(data, random_state=2)
    assert data.equals(before)
    assert done.notna().all().all() and (done.dtypes == data.dtypes).all()
    assert list(done.index) == list(data.index)
    known = data.notna().to_numpy()
    for j, name in enumerate(data.columns):
        assert done[name][known[:, j]].tolist() == data[name][known[:, j]].tolist(), name
    rows_, std = model.impute(data, how="mean", return_std=True, random_state=2)
    assert (std[known] == 0).all() and std[7, 0] > 0
    assert not model.impute(data, random_state=3).iloc[7].equals(done.iloc[7])


def test_conditional():
    x = small().conditional([np.nan, 1.5, np.nan], 16, random_state=1)
    assert (x[:, 1] == 1.5).all() and x.shape == (16, 3) and len(set(x[:, 0])) > 1
    assert np.array_equal(x, small().conditional({1: 1.5}, 16, random_state=1))
    info = small().conditional({1: 1.5}, 16, return_info=True, random_state=1)
    assert (info.rows[:, 1] == 1.5).all() and info.weight.shape == (16,)
    assert math.isclose(info.weight.sum(), 1, rel_tol=1e-9) and 1 <= info.ess <= 16 + 1e-9
    raises(ValueError, "2 values, and the model 3 columns", small().conditional, [1, np.nan])
    raises(ValueError, "no column 3", small().conditional, {3: 1.5})


def test_conditional_of_a_frame():
    model, row = framed(), frame().iloc[3]
    made = model.conditional({"color": "red", "age": 30}, 16, random_state=1)
    assert (made["color"] == "red").all() and (made["age"] == 30).all()
    assert made["height"].nunique() > 1
    made = model.conditional(row, 16, random_state=1)
    for name in row.index[row.notna()]:
        assert (made[name] == row[name]).all(), name
    assert set(made["color"]) <= {"red", "green", "blue"}
    raises(ValueError, "no column 'colour'", model.conditional, {"colour": "red"})


def test_anomaly():
    """Surprise is -log p; the quantile rises with it, and a row that cannot be is at the top."""
    X = np.concatenate([rows(40, key=8), [[30.0, -30.0, 30.0]]])
    made = small().anomaly(X)
    assert np.array_equal(made.surprise, -small().score_samples(X))
    order = np.argsort(made.surprise)
    assert (np.diff(made.quantile[order]) >= 0).all() and order[-1] == 40
    assert (0 < made.quantile).all() and (made.quantile < 1).all()
    assert made.quantile[40] > 1 - 1 / (small().report_["held"] + 1)  # above all that are held out


def test_words_in_an_array():
    data = np.array([["a", 1.5], ["b", 2.5], ["a", None], [None, 3.5]] * 10, dtype=object)
    model = sgm.SGM(random_state=1, **SMALL).fit(data)
    made = model.sample(30, random_state=1)
    assert set(made[:, 0]) == {"a", "b"} and all(isinstance(v, float) for v in made[:, 1])
    again = sgm.SGM(random_state=1, kinds={0: "category"}, **SMALL).fit(
        np.array([[10, 1.5], [20, 2.5], [10, np.nan], [np.nan, 3.5]] * 10))
    assert set(again.sample(30, random_state=1)[:, 0]) == {10.0, 20.0}
    raises(ValueError, "a kind is", sgm.SGM(kinds={0: "word"}).fit, data)
    raises(TypeError, "argument must be a string", sgm.SGM().fit, [[{}, 1.5], [2, 2.5]])


def test_weights():
    """Rows without weight are not there: without them no sample is near them."""
    X = np.concatenate([rows(60), rows(60, key=1) + 1000])
    weight = np.r_[np.ones(60), np.zeros(60)]
    with_, without = (sgm.SGM(random_state=1, **SMALL).fit(X, sample_weight=w).sample(50, 1)
                      for w in (weight, None))
    assert (with_[:, 0] < 500).all()
    assert (without[:, 0] > 500).any()  # what a weight that is passed over would look like
    raises(ValueError, "zero", sgm.SGM().fit, X, sample_weight=np.zeros(120))
    raises(ValueError, "want (120,)", sgm.SGM().fit, X, sample_weight=np.ones(3))


# Files and copies


def test_copies():
    model, want = small(), small().sample(5, random_state=1)
    for other in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model), copy.copy(model)):
        assert np.array_equal(other.sample(5, random_state=1), want)
        assert other.report_ == model.report_ or "nan" in str(model.report_)
        assert other.get_params() == model.get_params()
    if pd is not None:
        other = pickle.loads(pickle.dumps(framed()))
        assert other.sample(5, random_state=1).equals(framed().sample(5, random_state=1))


def test_joblib():
    try:
        import joblib
    except ImportError:
        skip("no joblib")
    with tempfile.TemporaryDirectory() as folder:
        joblib.dump(small(), Path(folder, "model.joblib"))
        other = joblib.load(Path(folder, "model.joblib"))
    assert np.array_equal(other.sample(5, random_state=1), small().sample(5, random_state=1))


def test_save_and_open():
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "modèl.safetensors")
        small().save(path)
        other = sgm.SGM.open(path)
        assert np.array_equal(other.sample(5, random_state=1), small().sample(5, random_state=1))
        bad = Path(folder, "bad")
        bad.write_bytes(path.read_bytes()[:-4])
        raises(OSError, "bad", sgm.SGM.open, bad)
        raises(sgm.BadFileError, "", sgm.SGM.open, bad)
        raises(FileNotFoundError, "none", sgm.SGM.open, Path(folder, "none"))
        raises(IsADirectoryError, "", sgm.SGM.open, folder)
        raises(sgm.FileError, "", small().save, Path(folder, "none", "model"))
        if pd is not None:
            framed().save(path)
            made, want = (m.sample(9, random_state=1) for m in (sgm.SGM.open(path), framed()))
            assert list(made.columns) == list(want.columns)
            for name in made.columns:
                assert made[name].astype(str).tolist() == want[name].astype(str).tolist() or \
                    np.allclose(made[name].astype(float), want[name].astype(float), rtol=1e-6), name


# While it runs


def ticks_during(work):
    """How many milliseconds another thread could work, as a share of those that passed."""
    thread, n = threading.Thread(target=work), 0
    start = time.perf_counter()
    thread.start()
    while thread.is_alive():
        time.sleep(1e-3)
        n += 1
    return n / (1e3 * (time.perf_counter() - start))


def test_other_threads_go_on():
    """The interpreter's lock is free while C fits; a call that keeps it would be seen."""
    X, long_ = rows(200), dict(SMALL, steps=1500, patience=1000)

    def holding():
        path = Path(_library.__file__).with_name("_sgm.so")
        library = ctypes.PyDLL(str(path))
        columns, x = _columns.Columns.learn(X)
        table, _ = columns.to_c(x, None, (0, 0, 0))
        options = _api.sgm_fit_options(**sgm.SGM(**long_)._options())
        fitted = _api.sgm_fitted()
        library.sgm_fit.argtypes = _api.FUNCTIONS["sgm_fit"][1]
        library.sgm_fit(fitted, table, options, _library.key_from(1))
        library.sgm_fitted_free(ctypes.byref(fitted))

    free = ticks_during(lambda: sgm.SGM(random_state=1, **long_).fit(X))
    held = ticks_during(holding)
    assert held < .1 < free, (held, free)


def test_many_threads_ask_one_model():
    X = rows(30, key=9)
    want = [(small().sample(40, random_state=k), small().score_samples(X)) for k in range(4)]
    got = [None] * 4

    def ask(k):
        for _ in range(3):
            got[k] = (small().sample(40, random_state=k), small().score_samples(X))

    threads = [threading.Thread(target=ask, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for (a, b), (c, d) in zip(want, got):
        assert np.array_equal(a, c) and np.array_equal(b, d)


def test_progress_and_stop():
    told = []

    def callback(news):
        told.append(news)
        return news.step >= 100

    model = sgm.SGM(random_state=1, **dict(SMALL, steps=100000), callback=callback).fit(rows())
    assert model.report_["stopped"] == 1 and model.report_["steps"] < 100000
    assert told[-1].step >= 100 and told[-1].steps == 100000 and isinstance(told[0].doing, str)
    assert np.isfinite(model.sample(5)).all()


def test_interrupt_leaves_a_model():
    """Ctrl-C ends the training with KeyboardInterrupt, and the best until then can be asked."""
    if threading.current_thread() is not threading.main_thread() or os.name == "nt":
        skip("signals come to the main thread")

    def callback(news):
        if news.step >= 100:
            os.kill(os.getpid(), signal.SIGINT)

    model = sgm.SGM(random_state=1, **dict(SMALL, steps=100000), callback=callback)
    raises(KeyboardInterrupt, "", model.fit, rows())
    assert model.report_["stopped"] == 1 and np.isfinite(model.sample(5)).all()
    other = sgm.SGM(callback=lambda news: 1 / 0, **SMALL)
    raises(ZeroDivisionError, "", other.fit, rows())


def test_a_child_process_asks():
    """After fork(), with threads made before it."""
    if not hasattr(os, "fork"):
        skip("no fork")
    want = small().sample(50, random_state=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        child = os.fork()
    if child == 0:
        os._exit(0 if np.array_equal(small().sample(50, random_state=1), want) else 1)
    assert os.waitpid(child, 0)[1] == 0


# What cannot be


def test_refusals():
    X = rows()
    raises(sgm.NotFittedError, "not fitted", sgm.SGM().sample)
    raises(ValueError, "1D array", sgm.SGM().fit, X[0])
    raises(ValueError, "0 sample(s)", sgm.SGM().fit, X[:0])
    raises(ValueError, "n_samples=1", sgm.SGM().fit, X[:1])
    raises(ValueError, "Complex data", sgm.SGM().fit, X + 1j)
    raises(ValueError, "quality='slow'", sgm.SGM(quality="slow").fit, X)
    raises(ValueError, "aim='both'", sgm.SGM(aim="both").fit, X)
    raises(ValueError, "picture", sgm.SGM(picture=(2, 2)).fit, X)
    raises(ValueError, "expecting 3 features", small().score_samples, X[:, :2])
    raises(ValueError, "n_samples=0", small().sample, 0)
    raises(ValueError, "a seed is", small().sample, 1, random_state=-1)
    infinite = X.copy()
    infinite[3, 1] = np.inf
    error = raises(ValueError, "", sgm.SGM(**SMALL).fit, infinite)
    assert isinstance(error, sgm.Error) and len(str(error)) > 20
    raises(MemoryError, "", raise_of, "SGM_NO_MEMORY")


def test_another_header_is_noticed():
    """Structures that are not those of the library that was compiled are no crash, but said."""
    class sgm_table(ctypes.Structure):
        _fields_ = _api.sgm_table._fields_[:-1]

    kept, _api.sgm_table = _api.sgm_table, sgm_table
    try:
        raises(ImportError, "sgm_table is not what sgm.h says", _library._check_sizes)
    finally:
        _api.sgm_table = kept


def raise_of(status):
    raise _library._ERROR_OF[_api.sgm_status[status]]("")


def test_kernels_are_chosen_at_run_time():
    """Plain C, asked for by SGM_ISA, has the same bits as what was chosen."""
    code = ("import sgm, numpy as np; X = np.sin(np.arange(180.)).reshape(60, 3);"
            "model = sgm.SGM('fast', steps=60, width=16, depth=2, members=1, random_state=1).fit(X);"
            "print(sgm.isa(), model.sample(9, 1).tobytes().hex())")
    said = [subprocess.run([sys.executable, "-c", code], env={**os.environ, **isa}, check=True,
                           capture_output=True, text=True).stdout.split()
            for isa in ({}, {"SGM_ISA": "ref"})]
    assert said[1][0] == "ref"
    if said[0][0] == "sse2":
        skip("no fused multiply-add")
    assert said[0][1] == said[1][1]


def test_random_states():
    model = small()
    a = model.sample(3, random_state=np.random.RandomState(1))
    assert np.array_equal(a, model.sample(3, random_state=np.random.RandomState(1)))
    a = model.sample(3, random_state=np.random.default_rng(1))
    assert np.array_equal(a, model.sample(3, random_state=np.random.default_rng(1)))
    np.random.seed(1)
    a, b = model.sample(3), model.sample(3)
    assert not np.array_equal(a, b)
    np.random.seed(1)
    assert np.array_equal(a, model.sample(3))


def test_parameters():
    """get_params, set_params and repr, with scikit-learn's classes or with our own."""
    model = sgm.SGM(quality="fast", steps=7)
    assert model.get_params()["steps"] == 7 and model.set_params(steps=8) is model
    assert model.steps == 8 and "steps=8" in repr(model) and "width" not in repr(model)
    raises(ValueError, "Invalid parameter", model.set_params, stesp=1)


def test_every_method_is_documented():
    for name in dir(sgm.SGM):
        method = getattr(sgm.SGM, name)
        if not name.startswith("_") and callable(method) and "sgm" in method.__module__:
            assert "Parameters" in method.__doc__ or "Returns" in method.__doc__, name
            assert "return" in method.__annotations__, name


def main():
    passed, failed, skipped = 0, 0, {}
    for name, test in sorted(globals().items()):
        wanted = sys.argv[1:]
        if not name.startswith("test_") or wanted and not any(word in name for word in wanted):
            continue
        try:
            test()
            passed += 1
        except Skip as why:
            skipped.setdefault(str(why), []).append(name)
        except BaseException:
            failed += 1
            print(f"FAILED {name}")
            traceback.print_exc(limit=-3, file=sys.stdout)
    for why, names in skipped.items():
        print(f"skipped, {why}: {', '.join(names)}")
    print(f"{passed} passed, {failed} failed")
    return failed


if __name__ == "__main__":
    sys.exit(main() > 0)
