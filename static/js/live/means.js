// Where it goes and what it is paid with: two lines of the sheet that open into a choice, and a form for a new one.

import { h, icon, setText, show } from '/static/js/dom.js';
import { lang, t } from '/static/js/i18n.js';
import { ApiError, get, post } from '/static/js/api.js';
import { withChoice } from '/static/js/live/buying.js';
import { COUNTRIES } from '/static/js/live/countries.js';
import { addressLine, cardName } from '/static/js/live/words.js';

/** A line "what … Change" with a panel under it. `load()` fills the panel when it is first opened. */
export function openable(iconName, load) {
  const what = h('span.clip');
  const change = h('button.edit', { type: 'button', 'aria-expanded': 'false' });
  const panel = h('div.means', { hidden: true });
  const line = h('div.pick', {}, h('span.what.clip', {}, icon(iconName), what), change);
  const open = (yes) => {
    if (yes === !panel.hidden) return;
    show(panel, yes);
    change.setAttribute('aria-expanded', String(yes));
    if (yes) load(panel);
  };
  change.addEventListener('click', () => open(panel.hidden));
  return {
    nodes: [line, panel], open,
    paint(text, isMissing, act = isMissing ? t('Add') : t('Change')) {
      setText(what, text);
      line.classList.toggle('missing', isMissing);
      setText(change, act);
    },
  };
}

function radio(name, text, checked, choose, hint = '') {
  const id = `${name}-${text}`.replace(/[^\p{L}\p{N}]+/gu, '-');
  return h('label.choice', { htmlFor: id }, h('input', { type: 'radio', id, name, checked, onchange: choose }),
    h('span', {}, text, hint && h('span.hint', {}, hint)));
}

const failed = (panel, again) => (error) => {
  if (!(error instanceof ApiError)) throw error;
  panel.replaceChildren(h('div.notice.urgent', { role: 'alert' }, icon('warn'), h('span.grow', {}, error.message)),
    h('button.btn', { type: 'button', onclick: again }, icon('refresh'), t('Try again')));
};

// -- Address --------------------------------------------------------------------------------------------------------

/** `onChosen()` is told when the member has said where to. */
export function addressLineOf(ctx, onChosen) {
  const line = openable('truck', (panel) => list(panel));
  const choose = (address) => {
    ctx.store.update(withChoice, { address });
    line.open(false);
    onChosen();
  };
  async function list(panel) {
    if (!ctx.store.state.choice.address) return edit(panel, []);
    panel.replaceChildren(h('span.skeleton.w70'), h('span.skeleton.w40'));
    try {
      const answer = await get('/api/addresses');
      const known = answer.addresses ?? answer;
      const now = ctx.store.state.choice.address?.id;
      panel.replaceChildren(h('div.stack.tight', { role: 'radiogroup', 'aria-label': t('Where to') },
        known.map((one) => radio('address', addressLine(one), one.id === now, () => choose(one)))),
      h('button.btn.wide', { type: 'button', onclick: () => edit(panel, known) }, icon('plus'), t('Another address')));
    } catch (error) {
      failed(panel, () => list(panel))(error);
    }
  }
  function edit(panel, known) {
    const form = addressForm(async (values) => {
      const answer = await post('/api/addresses', { ...values, is_default: known.length === 0 });
      choose(answer.address ?? answer);
    });
    panel.replaceChildren(form);
    form.querySelector('input').focus();
  }
  return {
    nodes: line.nodes, open: line.open,
    paint: ({ choice, me }) => line.paint(choice.address ? addressLine({ ...choice.address, name: choice.address.name ?? me.name }) : t('Where shall it go?'), !choice.address),
  };
}

const FIELDS = () => [
  ['name', t('Name'), 'name', true], ['line1', t('Street and number'), 'address-line1', true],
  ['line2', t('Flat, floor, company'), 'address-line2', false], ['postcode', t('Postcode'), 'postal-code', true],
  ['city', t('Town or city'), 'address-level2', true], ['phone', t('Phone, for the driver'), 'tel', false],
];

function addressForm(save) {
  const errors = {};
  const field = ([name, label, autocomplete, required]) => {
    errors[name] = h('span.hint', { id: `a-${name}-hint`, hidden: true });
    return h(`div.field.f-${name}`, {}, h('label', { htmlFor: `a-${name}` }, label, !required && h('span.need', {}, ` ${t('if you like')}`)),
      h('input.input', { id: `a-${name}`, name, autocomplete, required, maxLength: 120, type: name === 'phone' ? 'tel' : 'text', 'aria-describedby': `a-${name}-hint` }), errors[name]);
  };
  errors.country = h('span.hint', { hidden: true });
  const wrong = h('p.small.bad', { role: 'alert', hidden: true });
  const send = h('button.btn.act.wide', { type: 'submit' }, t('Use this address'));
  const form = h('form.address', { noValidate: false }, FIELDS().map(field),
    h('div.field.f-country', {}, h('label', { htmlFor: 'a-country' }, t('Country')), countrySelect(), errors.country), wrong, send);
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    send.disabled = true;
    try {
      await save(Object.fromEntries(new FormData(form)));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      paintErrors(form, errors, error);
      setText(wrong, error.message);
      show(wrong, true);
    } finally {
      send.disabled = false;
    }
  });
  return form;
}

function paintErrors(form, errors, { fields }) {
  for (const [name, hint] of Object.entries(errors)) {
    const words = fields[name]?.join(' ') ?? '';
    setText(hint, words);
    show(hint, Boolean(words));
    hint.closest('.field').classList.toggle('bad', Boolean(words));
  }
  form.querySelector('.field.bad .input')?.focus();
}

function countrySelect() {
  const names = new Intl.DisplayNames(lang(), { type: 'region' });
  const region = new Intl.Locale(navigator.language).maximize().region;
  const options = COUNTRIES.map((code) => [names.of(code), code]).sort((a, b) => a[0].localeCompare(b[0], lang()));
  return h('select.input', { id: 'a-country', name: 'country', autocomplete: 'country', required: true },
    options.map(([text, value]) => h('option', { value, selected: value === region }, text)));
}

// -- Payment --------------------------------------------------------------------------------------------------------

export function paymentLineOf(ctx) {
  const line = openable('card', (panel) => list(panel));
  const choose = (choice) => {
    ctx.store.update(withChoice, choice);
    line.open(false);
  };
  async function list(panel) {
    panel.replaceChildren(h('span.skeleton.w70'), h('span.skeleton.w40'));
    try {
      const { cards, can_add: canAdd } = await get('/api/cards');
      const now = ctx.store.state.choice;
      panel.replaceChildren(h('div.stack.tight', { role: 'radiogroup', 'aria-label': t('How to pay') },
        cards.map((card) => radio('card', cardName(card), now.method === 'card' && card.id === now.card?.id, () => choose({ method: 'card', card }))),
        radio('card', t('On the page of your bank'), now.method === 'bank_page', () => choose({ method: 'bank_page' }), t('You leave the show for a moment; your units stay kept.'))),
      ...(canAdd ? [testCards(panel)] : []));
    } catch (error) {
      failed(panel, () => list(panel))(error);
    }
  }
  function testCards(panel) {
    const add = (outcome) => async () => {
      try {
        const { card } = await post('/api/cards', { outcome }, { repeat: true });
        choose({ method: 'card', card });
      } catch (error) {
        failed(panel, () => list(panel))(error);
      }
    };
    return h('fieldset.test-cards', {}, h('legend.small', {}, t('Add a test card. No real money moves here.')),
      h('div.row.wrap', {}, [['approve', t('That is accepted')], ['decline', t('That is refused')], ['slow', t('That takes a while')]]
        .map(([outcome, text]) => h('button.btn.small', { type: 'button', onclick: add(outcome) }, text))));
  }
  const words = ({ method, card }) => (method === 'bank_page' ? t('On the page of your bank') : card ? cardName(card) : t('How will you pay?'));
  return {
    nodes: line.nodes, open: line.open,
    paint: ({ choice }) => line.paint(words(choice), !choice.method),
  };
}
