"""setuptools' build backend, with the list of what an sdist holds beside this file rather than in the root."""

from setuptools.build_meta import *  # noqa: F403  a backend is a module
from setuptools.command.egg_info import manifest_maker

manifest_maker.template = ".ci/MANIFEST.in"
