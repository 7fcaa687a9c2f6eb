// Lets node find modules as the browser does: "/static/…" is a file of this project.
// Import this first, then the module under test with `await import('/static/js/…')`.

import { register } from 'node:module';

const root = new URL('../..', import.meta.url).href.replace(/\/$/, '');
const hooks = `
  export async function resolve(specifier, context, next) {
    return next(specifier.startsWith('/static/') ? ${JSON.stringify(root)} + specifier : specifier, context);
  }`;
register(`data:text/javascript,${encodeURIComponent(hooks)}`);
