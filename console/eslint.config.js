import hooks from 'eslint-plugin-react-hooks';
import typescript from 'typescript-eslint';

export default typescript.config(
    typescript.configs.strict,
    { plugins: { 'react-hooks': hooks }, rules: hooks.configs.recommended.rules },
    {
        // what the Content-Security-Policy forbids, and what would let a hostile string in
        rules: {
            'no-restricted-syntax': [
                'error',
                { selector: "JSXAttribute[name.name='dangerouslySetInnerHTML']", message: 'text is shown as text' },
                { selector: "JSXOpeningElement[name.name='style']", message: 'style elements break the policy' },
            ],
            'no-eval': 'error',
        },
    },
);
