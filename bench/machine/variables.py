"""Environment variables that change how fast the libraries below a network are, or its numbers.

They are those that the libraries document: the OpenMP specification (Environment Variables), GNU
and LLVM/Intel OpenMP, oneMKL (Developer Reference, Support Functions), OpenBLAS, oneDNN (Developer
Guide, Run-time Controls), PyTorch (Environment Variables; `torch/_inductor/config.py`), CUDA (C++
Programming Guide, Environment Variables), cuBLAS, mallopt(3) and ld.so(8). Nothing else is read: a
variable that isn't listed may be a secret.
"""

import os
from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import PurePath

from ...datasets.names import readable
from ..records.case import Device

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
"""The threads of one operator; a case on the CPU says them itself, and sets all three."""

_EVERYWHERE = (
    *("OMP_DYNAMIC", "OMP_MAX_ACTIVE_LEVELS", "OMP_NESTED", "OMP_PLACES", "OMP_PROC_BIND"),
    *("OMP_SCHEDULE", "OMP_STACKSIZE", "OMP_THREAD_LIMIT", "OMP_WAIT_POLICY"),
    *("GOMP_CPU_AFFINITY", "GOMP_SPINCOUNT", "GOMP_STACKSIZE", "KMP_*"),
    *("MKL_CBWR", "MKL_DEBUG_CPU_TYPE", "MKL_DOMAIN_NUM_THREADS", "MKL_DYNAMIC"),
    *("MKL_ENABLE_INSTRUCTIONS", "MKL_INTERFACE_LAYER", "MKL_THREADING_LAYER", "MKL_VERBOSE"),
    *("OPENBLAS_CORETYPE", "OPENBLAS_VERBOSE", "GOTO_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"),
    *("ONEDNN_*", "DNNL_*", "ATEN_CPU_CAPABILITY"),
    *("TORCHINDUCTOR_*", "TORCHDYNAMO_*", "TORCH_COMPILE_DISABLE", "PYTORCH_JIT"),
    *("LD_PRELOAD", "MALLOC_*", "GLIBC_TUNABLES", "TCMALLOC_*", "MIMALLOC_*"),
    *("OPENCV_CPU_DISABLE", "OPENCV_IPP", "OPENCV_OPENCL_RUNTIME"),
)
_ON_A_GPU = (
    *("CUDA_LAUNCH_BLOCKING", "CUDA_MODULE_LOADING", "CUDA_DEVICE_MAX_CONNECTIONS"),
    *("CUDA_FORCE_PTX_JIT", "CUDA_DISABLE_PTX_JIT", "CUDA_AUTO_BOOST", "CUDA_CACHE_DISABLE"),
    *("CUDA_DEVICE_DEFAULT_PERSISTING_L2_CACHE_PERCENTAGE_LIMIT", "CUDA_SCALE_LAUNCH_QUEUES"),
    *("CUDA_MPS_ACTIVE_THREAD_PERCENTAGE", "NVIDIA_TF32_OVERRIDE"),
    *("CUBLAS_WORKSPACE_CONFIG", "CUBLASLT_WORKSPACE_SIZE", "CUBLAS_EMULATION_STRATEGY"),
    *("PYTORCH_ALLOC_CONF", "PYTORCH_CUDA_ALLOC_CONF", "PYTORCH_TUNABLEOP_*"),
    *("PYTORCH_NO_CUDA_MEMORY_CACHING",),
    *("TORCH_ALLOW_TF32_CUBLAS_OVERRIDE", "TORCH_BLAS_PREFER_*", "TORCH_CUBLASLT_*"),
    *("TORCH_CUDNN_*", "TORCH_LINALG_PREFER_*"),
)
_PLACES = ("*_DIR", "*_FILE", "*_FILENAME", "*PATH", "*_LOG*", "*REMOTE*", "*_OUTPUT*", "*_TRACE")
"""Names of a family that say where something is, which changes no time, and may be private."""
_SET_BY_IMPORTS = ("KMP_DUPLICATE_LIB_OK", "KMP_INIT_AT_FORK")
"""What scikit-learn's import sets: two processes would differ in it, and in no time."""


def variables(device: Device, given: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the variables that are set and may change what is measured on a device.

    Of `LD_PRELOAD` these are the names of the libraries, without their folders.

    Args:
        device: The device; of a GPU, the threads and what only a GPU reads count too.
        given: The variables of the process.
    """
    names = _EVERYWHERE if device == "cpu" else (*_EVERYWHERE, *_ON_A_GPU, *THREADS)
    found = {
        name: given[name]
        for name in sorted(given)
        if any(fnmatchcase(name, each) for each in names)
        and not any(fnmatchcase(name, each) for each in (*_PLACES, *_SET_BY_IMPORTS))
    }
    if "LD_PRELOAD" in found:
        libraries = found["LD_PRELOAD"].replace(":", " ").split()
        found["LD_PRELOAD"] = " ".join(PurePath(each).name for each in libraries)
    return {readable(name): readable(value) for name, value in found.items() if value}


def decisive_text(found: Mapping[str, str]) -> str | None:
    """Return the variables that a fingerprint is made of as text; None if there are none.

    The numbers of threads are none of them: each process of a cluster has others.
    """
    listed = [f"{name}={value}" for name, value in sorted(found.items()) if name not in THREADS]
    return " ".join(listed) or None
