"""Who gets units that came back: pure decisions over what was read under the row lock. No database, no clock."""


def serve(waiting, left: int, unit_limit: int, units_of):
    """For each in line, in order: (entry, how many of `left`), until none are left. 0: the entry ends without units,
    because its member has bought up to the limit on another way. `units_of(member_id)` counts held and bought units."""
    for entry in waiting:
        if not left:
            return
        quantity = max(0, min(entry.quantity, unit_limit - units_of(entry.member_id), left))
        left -= quantity
        yield entry, quantity


def retake(left: int, reserve: int, units: int, unit_limit: int, quantity: int) -> tuple[int, int] | None:
    """For a payment that came after its hold had ended: (from left, from reserve), or None: the money goes back."""
    if left + reserve < quantity or units + quantity > unit_limit:
        return None
    from_left = min(left, quantity)
    return from_left, quantity - from_left
