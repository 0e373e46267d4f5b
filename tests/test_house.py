"""What we hold each other to, as far as a machine can check it; ``scripts/check`` runs the linters."""

import ast
import inspect
import re
from importlib import import_module

import pytest
from helpers import REPOSITORY

import vfxstyle
from vfxstyle import errors

SOURCES = {
    str(path.relative_to(REPOSITORY)): ast.parse(path.read_text())
    for package in ("vfxstyle", "tsp")
    for path in sorted((REPOSITORY / package).rglob("*.py"))
}
"""Every module by its file."""
ARRAYS = {"vfxstyle/arrays.py", "tsp/arrays.py"}
PARAMETERS = 8
LINES = 300


def test_public_names_are_the_documented_ones():
    """Every function of docs/reference.md can be imported from the package itself, and no other name."""
    pages = re.findall(r"^::: (vfxstyle\S*)\.(\w+)$", (REPOSITORY / "docs" / "reference.md").read_text(), re.MULTILINE)
    documented = [getattr(import_module(home), name) for home, name in pages]
    functions = {thing for thing in documented if inspect.isfunction(thing)}
    assert functions == {getattr(vfxstyle, name) for name in vfxstyle.__all__ if name != "__version__"}
    assert dir(vfxstyle) == sorted(vfxstyle.__all__)
    readme = (REPOSITORY / "README.md").read_text()
    assert all(f"{function.__name__}(" in readme for function in functions)
    with pytest.raises(AttributeError, match="absent"):
        _ = vfxstyle.absent


def family():
    todo = [errors.VfxStyleError]
    while todo:
        todo += (kind := todo.pop()).__subclasses__()
        yield kind


def test_the_tree_of_errors_is_drawn_as_it_is():
    for kind in family():
        if kind is not errors.VfxStyleError:
            line = next(line for line in errors.__doc__.splitlines() if f" {kind.__name__} " in f"{line} ")
            if kind not in (errors.InputError, errors.ResourceError):
                assert kind.code in line.split()
        assert kind.exit_code in (1, 2, 3, 4, 130)


def test_modules_stay_small():
    sizes = {file: len((REPOSITORY / file).read_text().splitlines()) for file in SOURCES}
    assert {file: size for file, size in sizes.items() if size > LINES} == {}


def assert_none(found):
    """That ``found`` yields no (text, node) of any module; else all of them are told, with their places."""
    places = [f"{file}:{node.lineno}: {text}" for file, tree in SOURCES.items() for text, node in found(file, tree)]
    assert not places, "\n".join(["", *places])


def array_types(tree):
    """Every ``NDArray[...]`` in a tree."""
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Subscript) and ast.unparse(node.value).endswith("NDArray")
    ]


def test_array_types_are_defined_once():
    """In a package's ``arrays.py`` and nowhere else, and what has a name there is called by it."""
    named = {file.split("/")[0]: {ast.unparse(kind.slice) for kind in array_types(SOURCES[file])} for file in ARRAYS}

    def found(file, tree):
        if file in ARRAYS:
            return
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign) and array_types(node.value):
                yield "an array type is defined", node
        for kind in array_types(tree):
            if ast.unparse(kind.slice) in named[file.split("/")[0]]:
                yield f"{ast.unparse(kind)} has a name", kind

    assert_none(found)


def decorated(function, *names):
    """Whether a function has one of these decorators, called or not; ``command`` is any object's."""
    calls = [getattr(decorator, "func", decorator) for decorator in function.decorator_list]
    return any(ast.unparse(call).rsplit(".", 1)[-1] in names for call in calls)


def test_functions_take_few_parameters():
    """All but compiled kernels, commands, whose options are their parameters, and the functions of the public API."""

    def found(_, tree):
        for node in ast.walk(tree):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or decorated(
                node, "kernel", "jit", "command"
            ):
                continue
            given = node.args.posonlyargs + node.args.args + node.args.kwonlyargs
            own = [argument.arg for argument in given if argument.arg not in ("self", "cls")]
            if len(own) > PARAMETERS and node.name not in vfxstyle.__all__:
                yield f"{node.name} has {len(own)} parameters", node

    assert_none(found)


def runs_code(node):
    """What in a node can run code that a file holds, or nothing: pickles, evaluation, a shell, weights as code."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        names = {alias.name.split(".")[0] for alias in node.names} | {getattr(node, "module", None) or ""}
        return ", ".join(names & {"pickle", "dill", "cloudpickle", "shelve", "marshal", "joblib"})
    if not isinstance(node, ast.Call):
        return ""
    called = ast.unparse(node.func)
    given = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
    faults = (
        called in ("eval", "exec", "compile", "os.system"),
        given.get("shell", "False") != "False",
        called == "torch.load" and given.get("weights_only") != "True",
        called == "np.load" and given.get("allow_pickle") != "False",
    )
    return ast.unparse(node) if any(faults) else ""


def test_no_file_that_is_read_can_run_code():
    assert_none(lambda _, tree: ((text, node) for node in ast.walk(tree) if (text := runs_code(node))))


@pytest.mark.parametrize(
    "code", ["import pickle", "from joblib import load", "eval(x)", "run(x, shell=True)", "torch.load(f)", "np.load(f)"]
)
def test_what_can_run_code_is_seen(code):
    assert any(runs_code(node) for node in ast.walk(ast.parse(code)))
