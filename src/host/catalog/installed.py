"""Tells whether this Python's environment holds what it was made of: run by QueryDyno right after installing.

Arguments: the engine's module, or nothing for none, then the requirements as they were given to the installer. Prints a line for
each that is missing and ends with 1. What only the installer can resolve (a path, an environment marker) is taken as it is.
"""

import contextlib
import importlib
import importlib.metadata
import re
import sys


def normal(version):
    """A version as equal ones share it: 2.0 and 2.0.0, 1.0rc1 and 1.0-rc.1."""
    text = re.sub(r"[-_.]?(alpha|beta|preview|pre|post|dev|rc|a|b|c)[-_.]?", r"\1", version.strip().lower().lstrip("v"))
    for long, short in (("alpha", "a"), ("beta", "b"), ("preview", "rc"), ("pre", "rc")):
        text = text.replace(long, short)
    return re.sub(r"^([0-9]+(?:\.[0-9]+)*?)(?:\.0+)+(?![0-9.])", r"\1", text)


def same(wanted, found):
    """Whether a version is the wanted one; a local part, as in 2.1+cpu, counts only where it is asked for."""
    return normal(found if "+" in wanted else found.split("+")[0]) == normal(wanted)


def missing(requirement):
    """What is wrong with one requirement, or None."""
    parts = re.fullmatch(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^\]]*\])?\s*([=<>!~@(].*)?", requirement)
    if parts is None or parts[1].endswith((".whl", ".zip", ".gz")):
        return None
    name, rest = parts[1], parts[2] or ""
    if not rest.startswith("@") and ";" in rest:
        return None
    try:
        found = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return f"there is no {name} in it"
    exact = re.fullmatch(r"\(?===?\s*([^\s,*()]+)\)?\s*", rest)
    if exact and not same(exact[1], found):
        return f"{name} is {found} in it instead of {exact[1]}"
    return None


def imports(module):
    """Why the module cannot be imported, or None."""
    try:
        with contextlib.redirect_stdout(sys.stderr):
            importlib.import_module(module)
    except BaseException as error:
        return f"import {module}: {type(error).__name__}: {error}"
    return None


def main(module, requirements):
    found = [missing(requirement) for requirement in requirements]
    if module and not any(found):
        found.append(imports(module))
    told = [line for line in found if line]
    for line in told:
        print(" ".join(line.split()))
    return 1 if told else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
