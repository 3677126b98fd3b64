"""scikit-learn's own checks of an estimator; one line for each that does not pass, and the sum."""

import sys
import time
import warnings

from sklearn.utils import estimator_checks

import sgm

SMALL = dict(quality="fast", steps=100, width=16, depth=1, members=1)


def main() -> int:
    start, results = time.process_time(), []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = estimator_checks.check_estimator(sgm.SGM(**SMALL), on_skip=None, on_fail=None)
        for check in (estimator_checks.check_dataframe_column_names_consistency,
                      estimator_checks.check_n_features_in_after_fitting):
            try:
                check("SGM", sgm.SGM(**SMALL))
                results.append({"status": "passed"})
            except Exception as error:
                results.append({"status": "failed", "check_name": check.__name__,
                                "exception": error})
    count = {s: sum(r["status"] == s for r in results) for s in ("passed", "failed", "skipped")}
    for r in results:
        if r["status"] != "passed":
            print(f"{r['status']}: {r['check_name']}: {str(r['exception']).strip()[:300]}")
    bad = count["failed"] + len(results) - sum(count.values())
    took = time.process_time() - start
    print(f"ok      check_estimator: {count['skipped']} skipped, {took:.1f} s")
    print(f"{count['passed']} passed, {bad} failed")
    return bad


if __name__ == "__main__":
    sys.exit(main() > 0)
