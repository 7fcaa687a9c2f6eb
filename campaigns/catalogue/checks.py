"""What must always be true of prices, in SQL that shares nothing with the code that keeps it so."""

CHECKS = [
    ("the list price on record is the variant's price", """
        SELECT v.id, v.sku, v.price_minor, p.price_minor AS recorded FROM price_records p
        JOIN variants v ON v.id = p.variant_id
        WHERE p.source = 'list' AND p.to_at IS NULL AND p.price_minor <> v.price_minor"""),
    ("list prices follow one another without overlapping", """
        SELECT a.variant_id, a.id, b.id AS other FROM price_records a
        JOIN price_records b ON b.variant_id = a.variant_id AND b.source = a.source AND b.id <> a.id
        WHERE a.source = 'list' AND a.from_at < b.from_at AND coalesce(a.to_at, 'infinity') > b.from_at"""),
    ("an applied import has let go of its file", """
        SELECT id, state FROM imports WHERE state IN ('done', 'dropped') AND length(data) > 0"""),
]
