"""validate.py SCHEMA FILE... [-- SCHEMA FILE...]: prints each file that the schema before it refuses, and why; a file whose
name begins with fault must be refused. Status 1 if one is not as it should be, 77 without jsonschema."""
import itertools
import json
import os
import sys

try:
    import jsonschema
except ImportError:
    sys.exit(77)


def errors_of(validator, name):
    try:
        with open(name, encoding="utf-8") as f:
            return [e.message for e in validator.iter_errors(json.load(f))]
    except (OSError, ValueError) as e:
        return [str(e)]


bad = 0
for is_end, names in itertools.groupby(sys.argv[1:], lambda a: a == "--"):
    if is_end:
        continue
    names = list(names)
    with open(names[0], encoding="utf-8") as f:
        schema = json.load(f)
    jsonschema.Draft7Validator.check_schema(schema)
    validator = jsonschema.Draft7Validator(schema)
    for name in names[1:]:
        errors = errors_of(validator, name)
        if bool(errors) != os.path.basename(name).startswith("fault"):
            print(name + ":", "; ".join(e[:300] for e in errors) or "fits, and should not")
            bad = 1
    print(names[0] + ":", len(names) - 1, "files")
sys.exit(bad)
