#!/usr/bin/env python3
"""How well does sgm_fit know a table? Beside four density estimators, on eight tables.

    make bench-tables                       all of it: about half an hour of one processor
    tests/bench/tables/run.py --only wine   one table
    tests/bench/tables/run.py --table       writes plots/tables.md from what was measured before

Five splits (80/20; three of the made tables). Everyone learns from the same rows and is asked about
the same held-out rows: nats a row in the data's units. Where a column holds whole numbers only, the
answer is a probability: the mean density over the row plus U(-1/2,1/2), over four draws.
A classifier (random forest, five folds) then tells samples from held-out rows, whole columns
rounded for all: AUC 1/2 is what a perfect sampler gets.

Peers: a Gaussian of full covariance; Gaussian mixtures, number and shape by BIC; a kernel density,
width by cross-validation; zuko's neural spline flow with as many seconds of the processor as
sgm_fit took, a tenth of the rows held out to keep its best state, additions drawn anew each epoch.
"""
import argparse
import json
import multiprocessing
import os
import subprocess
import time
import warnings

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"
warnings.filterwarnings("ignore")

import numpy as np
import sklearn.datasets
import torch
import zuko
from scipy import special
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import roc_auc_score
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_val_predict
from sklearn.neighbors import KernelDensity

from made import MADE

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.abspath(os.path.join(HERE, "..", "..", ".."))
OUT = os.path.join(ROOT, "out", "tables")
DRIVER = os.environ.get("TABLES_DRIVER", os.path.join(ROOT, "out", "bin", "tables"))
REAL = {"wine": sklearn.datasets.load_wine, "cancer": sklearn.datasets.load_breast_cancer,
        "diabetes": lambda: sklearn.datasets.load_diabetes(scaled=False),
        "iris": sklearn.datasets.load_iris, "digits": sklearn.datasets.load_digits}
TABLES = list(REAL) + list(MADE)
PEERS = ("gauss", "gmm", "kde", "nsf")
DRAWS, MADE_ROWS, ASKED, CLASSIFIED = 4, 100_000, 1000, 1000


def split(name, s):
    """Rows to learn from, rows to be asked about, which columns are whole, exact -log p or None."""
    r = np.random.default_rng(100 + s)
    if name in MADE:
        x, logp = MADE[name](MADE_ROWS, 1000 + s)
        whole, k = np.all(x == np.round(x), 0), MADE_ROWS * 8 // 10
        return x[:k], x[k:k + ASKED], whole, -logp[k:k + ASKED].mean()
    x = REAL[name]().data.astype(float)
    order, k = r.permutation(len(x)), round(0.8 * len(x))
    return x[order[:k]], x[order[k:]], np.all(x == np.round(x), 0), None


class Scaled:
    """Standardises; adds U(-1/2,1/2) to whole columns; undoes both."""

    def __init__(self, train, whole, seed):
        self.whole, self.r = whole, np.random.default_rng(seed)
        first = self.add(train)
        self.mean, self.std = first.mean(0), first.std(0)
        self.low, self.high = train.min(0), train.max(0)
        self.log_det = -np.log(self.std).sum()
        self.train = (first - self.mean) / self.std

    def add(self, x):
        return x + (self.r.random(x.shape) - 0.5) * self.whole

    def fresh(self, x):
        return (self.add(x) - self.mean) / self.std

    def nll(self, test, logp):
        """Mean -log p of rows, of a function that tells log densities of standardised rows."""
        draws = DRAWS if self.whole.any() else 1
        each = [logp(self.fresh(test)) + self.log_det for _ in range(draws)]
        return float(-(special.logsumexp(each, axis=0) - np.log(draws)).mean())

    def back(self, z):
        x = z * self.std + self.mean
        return np.where(self.whole, np.clip(np.round(x), self.low, self.high), x)


def auc(test, samples, seed):
    n, m = min(len(test), CLASSIFIED), min(len(samples), 4 * len(test), CLASSIFIED)
    x = np.nan_to_num(np.concatenate([test[:n], samples[:m]]), posinf=1e30, neginf=-1e30)
    y = np.r_[np.zeros(n), np.ones(m)]
    forest = RandomForestClassifier(100, min_samples_leaf=2, class_weight="balanced",
                                    random_state=seed)
    folds = StratifiedKFold(5, shuffle=True, random_state=seed)
    told = cross_val_predict(forest, x.astype(np.float32), y, cv=folds, method="predict_proba")
    return float(roc_auc_score(y, told[:, 1]))


def gauss(c, seed):
    g = GaussianMixture(1, reg_covar=1e-9, random_state=seed).fit(c.train)
    return g.score_samples, lambda n: g.sample(n)[0]


def gmm(c, seed):
    few = c.train[:20000]
    large, best = len(c.train) > 5000, None
    counts = (1, 2, 3, 5, 8, 12, 20) if len(few) > 500 else (1, 2, 3, 4, 5, 6, 8, 10)
    for shape in ("full", "diag") if large else ("full", "tied", "diag", "spherical"):
        for k in counts:
            try:
                g = GaussianMixture(k, covariance_type=shape, random_state=seed,
                                    n_init=1).fit(few)
            except ValueError:
                continue
            bic = g.bic(few)
            if best is None or bic < best[0]:
                best = bic, g
    return best[1].score_samples, lambda n: best[1].sample(n)[0]


def kde(c, seed):
    few = c.train[:3000]
    widths = {"bandwidth": np.geomspace(0.05, 1.5, 18)}
    h = GridSearchCV(KernelDensity(), widths, cv=5).fit(few).best_params_["bandwidth"]
    k = KernelDensity(bandwidth=h).fit(c.train)
    return k.score_samples, lambda n: k.sample(n, random_state=seed)


def nsf(c, train, seconds, seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    large, n = len(train) > 3000, len(train)
    flow = zuko.flows.NSF(train.shape[1], transforms=3, hidden_features=(128, 128))
    adam = torch.optim.AdamW(flow.parameters(), lr=1e-3, weight_decay=1e-4)
    order = np.random.default_rng(seed).permutation(n)
    held, learn = order[:min(n // 10, 2000)], order[min(n // 10, 2000):]
    asked = torch.tensor(c.fresh(train[held]), dtype=torch.float32)
    batch, best, state, start, steps = 512 if large else 128, np.inf, None, time.process_time(), 0
    # where an epoch is long, a look at the rows held out comes more often than that
    look = min(100, max(10, len(learn) // batch))
    while time.process_time() - start < seconds:
        rows = c.fresh(train[np.random.permutation(learn)])
        rows = torch.tensor(rows, dtype=torch.float32)
        for i in range(0, len(rows), batch):
            loss = -flow().log_prob(rows[i:i + batch]).mean()
            adam.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(flow.parameters(), 5.0)
            adam.step()
            steps += 1
            if steps % look == 0 or state is None:
                with torch.no_grad():
                    now = -flow().log_prob(asked).mean().item()
                if now < best:
                    best, state = now, {k: v.clone() for k, v in flow.state_dict().items()}
                if time.process_time() - start >= seconds:
                    break
    flow.load_state_dict(state)

    def logp(z):
        with torch.no_grad():
            return flow().log_prob(torch.tensor(z, dtype=torch.float32)).numpy().astype(float)

    def sample(m):
        with torch.no_grad():
            return flow().sample((m,)).numpy().astype(float)
    return logp, sample


def ours(name, s, train, test, whole):
    path = os.path.join(OUT, f"{name}{s}_")
    np.save(path + "train.npy", train)
    np.save(path + "test.npy", test)
    kinds = "".join("ni"[int(w)] for w in whole)
    said = subprocess.run(
        [DRIVER, path + "train.npy", path + "test.npy", path + "drawn.npy", str(CLASSIFIED), kinds,
         str(1 + s)],
        capture_output=True, text=True, check=True).stdout.split()
    drawn = np.load(path + "drawn.npy")
    for part in ("train", "test", "drawn"):
        os.unlink(f"{path}{part}.npy")
    return float(said[0]), float(said[2]), drawn


def measure(task):
    name, s, long_nsf = task
    np.random.seed(s)
    train, test, whole, exact = split(name, s)
    result = {"table": name, "split": s, "rows": len(train), "columns": train.shape[1],
              "exact": exact}
    nll, seconds, drawn = ours(name, s, train, test, whole)
    result["sgm"] = {"nll": nll, "seconds": seconds, "auc": auc(test, drawn, s)}
    c = Scaled(train, whole, 7 + s)
    for peer in PEERS + (("nsf120",) if long_nsf else ()):
        start = time.process_time()
        if peer == "gauss":
            logp, sample = gauss(c, s)
        elif peer == "gmm":
            logp, sample = gmm(c, s)
        elif peer == "kde":
            logp, sample = kde(c, s)
        else:
            logp, sample = nsf(c, train, 120 if peer == "nsf120" else seconds, s)
        took = time.process_time() - start
        result[peer] = {"nll": c.nll(test, logp), "seconds": took,
                        "auc": auc(test, c.back(sample(CLASSIFIED)), s)}
    with open(os.path.join(OUT, "results.jsonl"), "a") as f:
        f.write(json.dumps(result) + "\n")
    print(name, s, " ".join(f"{k} {v['nll']:.2f}/{v['auc']:.3f}" for k, v in result.items()
                            if isinstance(v, dict)), f"{seconds:.0f} s", flush=True)
    return result


def cell(values, digits):
    """Median and its standard error, 1.25 standard deviations over the root of their number."""
    v = np.array(values)
    se = 1.2533 * v.std(ddof=1) / np.sqrt(len(v)) if len(v) > 1 else float("nan")
    return f"{np.median(v):.{digits}f} ± {se:.{digits}f}"


def grid(lines, results, what, digits):
    """One table of the report; returns how often sgm_fit is ahead of each peer."""
    lines.append("| table | sgm_fit | Gaussian | mixture, BIC | kernels, CV | NSF |"
                 + (" exact |" if what == "nll" else ""))
    lines.append("|---|---|---|---|---|---|" + ("---|" if what == "nll" else ""))
    ahead = dict.fromkeys(PEERS + ("all",), 0)
    level = 0
    for name in TABLES:
        here = [r for r in results if r["table"] == name]
        if not here:
            continue
        value = {m: np.array([r[m][what] for r in here]) for m in ("sgm",) + PEERS}
        cost = value if what == "nll" else {m: abs(v - 0.5) for m, v in value.items()}
        least = min(value, key=lambda m: np.median(cost[m]))
        row = [f"**{cell(v, digits)}**" if m == least else cell(v, digits)
               for m, v in value.items()]
        if what == "nll":
            row.append("" if here[0]["exact"] is None
                       else f"{np.median([r['exact'] for r in here]):.2f}")
        lines.append(f"| {name} ({here[0]['columns']} columns, {len(here)} splits) | "
                     + " | ".join(row) + " |")
        ahead["all"] += least == "sgm"
        for p in PEERS:
            ahead[p] += bool(np.median(cost["sgm"]) < np.median(cost[p]))
        gap = cost["sgm"] - cost["nsf"]
        se = gap.std(ddof=1) / np.sqrt(len(gap)) if len(gap) > 1 else 0
        level += bool(gap.mean() < 2 * se)
    return ahead, level


def report():
    path = os.path.join(OUT, "results.jsonl")
    last = {(r["table"], r["split"]): r for r in map(json.loads, open(path))}
    results, lines = list(last.values()), []
    count = len({r["table"] for r in results})
    lines += ["# Tables: sgm_fit beside four density estimators", "",
              "Made by `make bench-tables`; medians over the splits ± their standard errors.", "",
              "Mean −log p of held-out rows, nats, in the data's own units (less is better):", ""]
    ahead, level = grid(lines, results, "nll", 2)
    lines += ["", f"Of {count} tables sgm_fit is ahead of the Gaussian on {ahead['gauss']}, of "
              f"mixtures on {ahead['gmm']}, of kernels on {ahead['kde']}; of NSF, with the same "
              f"seconds of the processor, on {ahead['nsf']}, and level with it (two standard "
              f"errors of the paired difference) or ahead on {level}; of all four on "
              f"{ahead['all']}.", "",
              "A classifier's AUC between samples and held-out rows (½ is perfect):", ""]
    ahead, _ = grid(lines, results, "auc", 3)
    lines += ["", f"Nearer ½ than the Gaussian on {ahead['gauss']}, mixtures {ahead['gmm']}, "
              f"kernels {ahead['kde']}, NSF {ahead['nsf']}; than all four on {ahead['all']}.", "",
              "Seconds of the processor for one fit:", "",
              "| table | sgm_fit | mixture, BIC | kernels, CV |", "|---|---|---|---|"]
    for name in TABLES:
        here = [r for r in results if r["table"] == name]
        if here:
            lines.append(f"| {name} | " + " | ".join(
                f"{np.median([r[m]['seconds'] for r in here]):.1f}"
                for m in ("sgm", "gmm", "kde")) + " |")
    extra = [r for r in results if "nsf120" in r]
    if extra:
        lines += ["", "NSF with two minutes of the processor, on the first split:", "",
                  "| table | sgm_fit | NSF, same seconds | NSF, 120 s |", "|---|---|---|---|"]
        lines += [f"| {r['table']} | {r['sgm']['nll']:.2f} | {r['nsf']['nll']:.2f} | "
                  f"{r['nsf120']['nll']:.2f} |" for r in extra]
    with open(os.path.join(HERE, "notes.md")) as f:
        text = "\n".join(lines) + "\n\n" + f.read()
    with open(os.path.join(ROOT, "plots", "tables.md"), "w") as f:
        f.write(text)
    print(text)


def main():
    a = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    a.add_argument("--only", help="tables, by commas")
    a.add_argument("--splits", type=int, default=5)
    a.add_argument("--made-splits", type=int, default=3)
    a.add_argument("--jobs", type=int, default=1)
    a.add_argument("--long", help="tables whose first split also gives NSF two minutes")
    a.add_argument("--table", action="store_true", help="only write the report")
    o = a.parse_args()
    os.makedirs(OUT, exist_ok=True)
    if not o.table:
        names = o.only.split(",") if o.only else TABLES
        long_ones = (o.long or "").split(",")
        tasks = [(n, s, s == 0 and n in long_ones) for s in range(max(o.splits, o.made_splits))
                 for n in names if s < (o.made_splits if n in MADE else o.splits)]
        with multiprocessing.Pool(o.jobs, maxtasksperchild=1) as pool:
            for _ in pool.imap_unordered(measure, tasks, 1):
                pass
    report()


if __name__ == "__main__":
    main()
