# A package for Rez: `rez build --install` in this folder. Its libraries are in it, in an environment of their own, so
# that they meet no other package's; kernels are compiled while it is built, and it can be read-only from then on.

name = "vfxstyle"

version = "0.1.0"

description = (
    "Learned looks for whole shots: semantics-aware, steady in time, at any resolution, on EXR and movie files."
)

authors = ["The vfxstyle developers"]

requires = ["python-3.11+<3.15"]

variants = [["platform-linux", "arch-x86_64"]]

tools = ["vfxstyle"]

build_command = "bash {root}/build.sh {install}"


def commands():
    env.PATH.append("{root}/bin")  # noqa: F821 - Rez has it
    env.VFXSTYLE_COMMAND = "{root}/bin/vfxstyle"  # noqa: F821 - for hosts
    env.NUKE_PATH.append("{root}/nuke")  # noqa: F821
