"""Arrays of NumPy, tensors of torch and the like: told apart from other values, and brought to bytes that files hold."""

from .item import is_of


def array_of(value):
    """Give back a value as a NumPy array, or None where it is none: a tensor, a list of numbers, anything with `__array__`.

    Raises: ImportError for a list where there is no NumPy, and what the value's own library raises.
    """
    if is_of(value, "torch"):
        value = value.detach().cpu()
        if value.dtype.is_floating_point:
            value = value.float()  # NumPy knows no bfloat16
        return value.numpy()
    if not isinstance(value, (list, tuple)) and not hasattr(type(value), "__array__"):
        return None
    import numpy  # it is the program's: the value is an array of it, or has come a long way to look like one

    found = numpy.asarray(value)
    if found.dtype.kind not in "biuf":
        raise TypeError("an array of %s cannot be used; accepted are numbers" % found.dtype)
    return found


def finite(array):
    """Give back an array of floats with NaN as 0 and infinities as the largest numbers."""
    import numpy

    return numpy.nan_to_num(array.astype("float64"), posinf=None, neginf=None)
