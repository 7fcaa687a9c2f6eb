// What a coupon takes off, by the server's rule (orders/coupons.py); the server's word counts.

import { orderOfHold } from '/static/js/live/select.js';

const PPM = 1_000_000n;

/** Minor units off `gross`: a share of it, half up, or a sum that it must be larger than; never the whole. */
export function discountOf(coupon, gross) {
  if (coupon?.percent_ppm) {
    const share = (BigInt(gross) * BigInt(coupon.percent_ppm) * 2n + PPM) / (2n * PPM);
    return Math.min(Number(share), gross - 1);
  }
  return coupon?.amount_minor && coupon.amount_minor < gross ? coupon.amount_minor : 0;
}

/** What `quantity` units at this price come to with the coupon that was entered. */
export const sumOf = (state, price, quantity) => price * quantity - discountOf(state.choice?.coupon, price * quantity);

/** What is to be paid for a hold: its order's total, which is fixed, else what it will be. */
export const toPay = (state, hold) =>
  orderOfHold(state, hold.id)?.total_minor ?? sumOf(state, hold.price_minor, hold.quantity);
