"""What a person who uses a script has to change, and how a run may end."""

from fruits.readable import readable


class RefusedError(ValueError):
    """What was asked for can't be done; the message is one sentence for the user.

    It names the argument or key as the user wrote it, the value, and what is allowed.
    A script prints it and ends with exit code 2, before anything is trained or written.
    """


class DataError(RefusedError):
    """Pictures that can't be trained on; names of any bytes are shown in one line."""

    def __init__(self, message: str):
        super().__init__(readable(message))
