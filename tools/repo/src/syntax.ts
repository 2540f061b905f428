import ts from 'typescript';
import type { SourceFile } from './workspace.ts';

/** A place in a source file: 1-based line. */
export interface Named {
  readonly name: string;
  readonly line: number;
}

/** A function with the number of lines that it spans. */
export interface FunctionSize extends Named {
  readonly lines: number;
}

/** Parses a source file. */
export function parse(file: Pick<SourceFile, 'path' | 'text'>): ts.SourceFile {
  return ts.createSourceFile(file.path, file.text, ts.ScriptTarget.ES2022, true);
}

/** The module names that a file imports or exports from, types included. */
export function importsOf(file: Pick<SourceFile, 'text'>): string[] {
  return ts.preProcessFile(file.text, true, true).importedFiles.map(({ fileName }) => fileName);
}

/** Every function and method with a body of its own. */
export function functionsOf(tree: ts.SourceFile): FunctionSize[] {
  const found: FunctionSize[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isFunctionLike(node) && 'body' in node && node.body !== undefined) {
      const first = lineOf(tree, node.getStart(tree));
      const lines = lineOf(tree, node.getEnd()) - first + 1;
      found.push({ name: functionName(node), line: first, lines });
    }
    ts.forEachChild(node, visit);
  };
  visit(tree);
  return found;
}

/** The exported declarations of a file that have no doc comment of at least three words. */
export function undocumentedExports(tree: ts.SourceFile): Named[] {
  return tree.statements.flatMap((statement) => {
    if (!ts.canHaveModifiers(statement)) return [];
    const exported = ts.getModifiers(statement)?.some(({ kind }) => kind === EXPORT) ?? false;
    if (!exported || isDocumented(tree, statement)) return [];
    return [{ name: declaredName(statement), line: lineOf(tree, statement.getStart(tree)) }];
  });
}

const EXPORT = ts.SyntaxKind.ExportKeyword;

function isDocumented(tree: ts.SourceFile, statement: ts.Statement): boolean {
  // An overload is documented by the comment on the first signature.
  if (ts.isFunctionDeclaration(statement)) {
    const first = tree.statements.find(
      (other) => ts.isFunctionDeclaration(other) && other.name?.text === statement.name?.text,
    );
    if (first !== undefined && first !== statement) return isDocumented(tree, first);
  }
  const ranges = ts.getLeadingCommentRanges(tree.text, statement.getFullStart()) ?? [];
  const last = ranges.at(-1);
  const comment = last === undefined ? '' : tree.text.slice(last.pos, last.end);
  return comment.startsWith('/**') && (comment.match(/[\w`]+/g)?.length ?? 0) >= 3;
}

function declaredName(statement: ts.Statement): string {
  if (ts.isVariableStatement(statement)) {
    return statement.declarationList.declarations.map(({ name }) => name.getText()).join(', ');
  }
  const { name } = statement as ts.DeclarationStatement;
  return name?.getText() ?? '(no name)';
}

function functionName(node: ts.SignatureDeclaration): string {
  if (node.name !== undefined) return node.name.getText();
  if (ts.isConstructorDeclaration(node)) return 'constructor';
  const { parent } = node;
  const named = ts.isVariableDeclaration(parent) || ts.isPropertyAssignment(parent);
  return named ? parent.name.getText() : '(arrow)';
}

function lineOf(tree: ts.SourceFile, position: number): number {
  return tree.getLineAndCharacterOfPosition(position).line + 1;
}
