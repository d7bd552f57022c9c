// The keywords of GitLab's reference for .gitlab-ci.yml that a job of ours may use, no others: a misspelt one
// is an error. GitLab's own schema comes in no package that runs on Node 20.

const texts = { type: 'array', items: { type: 'string' }, minItems: 1 };
const text = { type: 'string' };

const cache = {
  type: 'object',
  additionalProperties: false,
  required: ['paths'],
  properties: {
    key: {
      oneOf: [
        text,
        {
          type: 'object',
          additionalProperties: false,
          required: ['files'],
          properties: { files: { ...texts, maxItems: 2 }, prefix: text },
        },
      ],
    },
    paths: texts,
    when: { enum: ['on_success', 'on_failure', 'always'] },
    policy: { enum: ['pull', 'push', 'pull-push'] },
  },
};

const retry = {
  type: 'object',
  additionalProperties: false,
  properties: {
    max: { type: 'integer', minimum: 0, maximum: 2 },
    when: { type: ['string', 'array'] },
    exit_codes: { type: 'array', items: { type: 'integer' }, minItems: 1 },
  },
};

const job = {
  type: 'object',
  additionalProperties: false,
  required: ['script'],
  properties: {
    stage: text,
    image: text,
    variables: { type: 'object', additionalProperties: { type: ['string', 'number'] } },
    before_script: texts,
    script: texts,
    after_script: texts,
    cache,
    retry,
    needs: texts,
    timeout: text,
    artifacts: {
      type: 'object',
      additionalProperties: false,
      properties: {
        name: text,
        paths: texts,
        expire_in: text,
        when: { enum: ['on_success', 'on_failure', 'always'] },
      },
    },
  },
};

/** JSON schema of a pipeline. */
export const GITLAB_CI = {
  type: 'object',
  properties: { stages: texts, default: { type: 'object' }, variables: { type: 'object' } },
  additionalProperties: job,
};
