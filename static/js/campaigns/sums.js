// What a campaign could bring: sums over offers at an assumed share sold. Pure; whole minor units.

/** Units sold of an allotment at `percent`, rounded half up. */
export const unitsAt = (allotment, percent) => Math.floor((allotment * percent + 50) / 100);

/** What an offer takes at `percent` sold. */
export const takenAt = (offer, percent) => unitsAt(offer.allotment, percent) * offer.price_minor;

/**
 * Over all offers: units allotted and sold, what they take, what they cost and leave (of those whose cost is known),
 * how many lack a cost, and how many are below their 30-day low and by which share of it on average.
 */
export function preview(offers, percent) {
  const sum = { units: 0, sold: 0, taken: 0, known: 0, cost: 0, unknown: 0, below: 0, full: 0 };
  let cut = 0;
  for (const offer of offers) {
    const sold = unitsAt(offer.allotment, percent);
    const taken = sold * offer.price_minor;
    sum.units += offer.allotment;
    sum.sold += sold;
    sum.taken += taken;
    sum.full += offer.allotment * offer.price_minor;
    if (offer.cost_minor === null) sum.unknown += 1;
    else {
      sum.known += taken;
      sum.cost += sold * offer.cost_minor;
    }
    if (offer.price_minor < offer.low_minor) {
      sum.below += 1;
      cut += 1 - offer.price_minor / offer.low_minor;
    }
  }
  return { ...sum, margin: sum.known - sum.cost, cut: sum.below ? cut / sum.below : 0 };
}
