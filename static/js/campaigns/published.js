// A published campaign: nothing can be edited, only the preview answers.

import { $, pageData } from '../dom.js';
import { paintPreview } from './preview.js';

const sheet = pageData();
const box = $('#preview');

function paint(share) {
  paintPreview(box, { offers: sheet.offers, currency: sheet.campaign.currency, share, onPercent: paint });
}

paint(85);
