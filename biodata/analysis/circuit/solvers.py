"""Linear systems of circuits: a factor that answers many questions, or multigrid where a factor has no room.

Which solver works is chosen by what is installed, by size and by memory; all give the same answers to about ten digits.
CHOLMOD comes with scikit-sparse (which needs SuiteSparse), PARDISO with pypardiso and multigrid with pyamg (the extra
`circuit`); SciPy's SuperLU and conjugate gradients are always there.
"""

import importlib.util
import os
from collections.abc import Callable
from typing import Any, Final, Protocol

import numpy as np
from scipy import sparse
from scipy.sparse import linalg

from biodata.analysis.grid import Floats
from biodata.errors import InputError, MissingExtraError

SOLVERS: Final = ("auto", "cholmod", "pardiso", "superlu", "multigrid", "gradients")
"""Names of the solvers; auto chooses."""
RELATIVE_RESIDUAL: Final = 1e-10
"""Where the iterative solvers stop."""
_SMALL: Final = 20_000
"""Nodes up to which SuperLU needs no time, so that small circuits give the same digits everywhere."""
_BYTES_PER_NODE: Final = {"cholmod": 1700, "pardiso": 1400, "superlu": 2100}
"""Memory that a factor of an eight-neighbour landscape of a million cells needs while it is made, a third more than was
measured (PARDISO and SuperLU held 0.9 and 1.2 kB); it grows a little faster than these."""
_MOST_ITERATIONS: Final = 20_000


class Solver(Protocol):
    """Something that answers `matrix @ x = b` for one matrix."""

    def solve(self, right: Floats) -> Floats:
        """Return the solutions for right-hand sides in the columns of `right`, shape (n, k)."""

    def close(self) -> None:
        """Give the memory back."""


def solver_for(matrix: Any, *, solver: str = "auto", questions: int = 1000) -> Solver:
    """Prepare a symmetric positive definite system.

    Parameters
    ----------
    matrix : sparse array of float64, (n, n)
    solver : str
        One of `SOLVERS`.
    questions : int
        About how many right-hand sides will come: for one or two, multigrid is done before a large factor is.

    Returns
    -------
    Solver

    Raises
    ------
    MissingExtraError
        If the solver is named and not installed.
    InputError
        If there is no such solver (SOLVER_UNKNOWN, SOLVER_MISSING), or the system cannot be solved (CIRCUIT_UNSOLVABLE).
    """
    if solver not in SOLVERS:
        problem = "there is no such solver"
        raise InputError(problem, value=solver, expected=", ".join(SOLVERS), code="SOLVER_UNKNOWN")
    name = _chosen(matrix.shape[0], questions) if solver == "auto" else solver
    return _MAKERS[name](matrix)


def installed(name: str) -> bool:
    """Tell whether a solver can be used here."""
    module = {"cholmod": "sksparse", "pardiso": "pypardiso", "multigrid": "pyamg"}.get(name)
    return module is None or importlib.util.find_spec(module) is not None


def _chosen(nodes: int, questions: int) -> str:
    """Return the solver for a system of that size."""
    if nodes <= _SMALL:
        return "superlu"
    room = 0.7 * free_bytes()
    if installed("multigrid") and nodes > 50 * _SMALL and questions <= 2:
        return "multigrid"
    for name in ("cholmod", "pardiso", "superlu"):
        growth = np.log2(max(nodes, 1 << 20)) / 20
        if installed(name) and nodes * _BYTES_PER_NODE[name] * growth < room:
            return name
    return "multigrid" if installed("multigrid") else "gradients"


def free_bytes() -> float:
    """Return how much memory is free, bytes; 8 GiB where the system does not tell."""
    try:
        with open("/proc/meminfo", encoding="ascii") as file:  # noqa: PTH123  # no file of ours
            told = dict(line.split(":") for line in file)
        return float(told["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        try:
            return float(os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
        except (AttributeError, ValueError, OSError):
            return float(8 << 30)


class _Cholmod:
    """CHOLMOD's supernodal Cholesky factor (Chen, Davis, Hager & Rajamanickam 2008)."""

    def __init__(self, matrix: Any) -> None:
        if not installed("cholmod"):
            problem = "CHOLMOD is not installed"
            expected = "pip install scikit-sparse, for which SuiteSparse has to be there (Debian: libsuitesparse-dev)"
            raise InputError(problem, value="cholmod", expected=expected, code="SOLVER_MISSING")
        from sksparse import cholmod

        try:
            self._factor = cholmod.cho_factor(sparse.csc_array(matrix), order="metis", lower=True)
        except cholmod.CholmodNotPositiveDefiniteError:
            raise _unsolvable() from None

    def solve(self, right: Floats) -> Floats:
        found: Floats = np.asarray(self._factor.solve(right))
        return found

    def close(self) -> None:
        self._factor = None


class _Pardiso:
    """MKL's PARDISO for symmetric positive definite matrices."""

    def __init__(self, matrix: Any) -> None:
        if not installed("pardiso"):
            what = "the solver PARDISO"
            raise MissingExtraError(what, "circuit")
        import pypardiso

        self._solver = pypardiso.PyPardisoSolver(mtype=2)
        self._upper: Any = sparse.csr_matrix(sparse.triu(matrix, format="csr"))
        self._upper.sort_indices()
        try:
            self._solver.factorize(self._upper)
        except pypardiso.pardiso_wrapper.PyPardisoError:
            self._solver.free_memory(everything=True)
            raise _unsolvable() from None

    def solve(self, right: Floats) -> Floats:
        found: Floats = self._solver.solve(self._upper, np.asfortranarray(right))
        return found

    def close(self) -> None:
        self._solver.free_memory(everything=True)
        self._upper = None


class _SuperLu:
    """SciPy's SuperLU in symmetric mode."""

    def __init__(self, matrix: Any) -> None:
        options = {"SymmetricMode": True}
        try:
            self._factor: Any = linalg.splu(
                sparse.csc_array(matrix), permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options=options
            )
        except RuntimeError:
            raise _unsolvable() from None

    def solve(self, right: Floats) -> Floats:
        found: Floats = self._factor.solve(np.asfortranarray(right))
        return found

    def close(self) -> None:
        self._factor = None


class _Iterative:
    """Conjugate gradients with a preconditioner."""

    def __init__(self, matrix: Any, preconditioner: Any) -> None:
        self._matrix, self._preconditioner = matrix, preconditioner

    def solve(self, right: Floats) -> Floats:
        columns = right.reshape(right.shape[0], -1)
        found = np.zeros_like(columns)
        for at in range(columns.shape[1]):
            if not columns[:, at].any():
                continue
            found[:, at], failed = linalg.cg(
                self._matrix,
                columns[:, at],
                rtol=RELATIVE_RESIDUAL,
                maxiter=_MOST_ITERATIONS,
                M=self._preconditioner,
            )
            if failed:
                raise _unsolvable()
        return found.reshape(right.shape)

    def close(self) -> None:
        self._preconditioner = None


def _multigrid(matrix: Any) -> Solver:
    """Prepare algebraic multigrid after Ruge & Stüben."""
    if not installed("multigrid"):
        what = "the multigrid solver"
        raise MissingExtraError(what, "circuit")
    import pyamg

    hierarchy = pyamg.ruge_stuben_solver(sparse.csr_matrix(matrix))
    return _Iterative(sparse.csr_matrix(matrix), hierarchy.aspreconditioner())


def _gradients(matrix: Any) -> Solver:
    """Prepare conjugate gradients with the diagonal: slow, and always there."""
    inverse = 1.0 / matrix.diagonal()
    return _Iterative(sparse.csr_matrix(matrix), linalg.LinearOperator(matrix.shape, lambda x: inverse * x.reshape(-1)))


def _unsolvable() -> InputError:
    """Return the error for a matrix that has no factor."""
    problem = "the circuit has no solution: its resistances differ by more orders of magnitude than can be computed"
    return InputError(problem, expected="resistances within about 12 orders of magnitude", code="CIRCUIT_UNSOLVABLE")


_MAKERS: Final[dict[str, Callable[[Any], Solver]]] = {
    "cholmod": _Cholmod,
    "pardiso": _Pardiso,
    "superlu": _SuperLu,
    "multigrid": _multigrid,
    "gradients": _gradients,
}
